"""A conversation with a carrier that is answered by hand."""

import pytest

from rastro.carriers.base import Answered, Asking
from rastro.http import Request, Response


def converse(asking: Asking, *responses: Response) -> tuple[list[Request], Answered]:
    """The requests of a conversation that is answered so, and what it came to; it takes exactly these responses."""
    requests = [next(asking)]
    requests += [asking.send(response) for response in responses[:-1]]
    with pytest.raises(StopIteration) as end:
        asking.send(responses[-1])
    answered: Answered = end.value.value
    return requests, answered
