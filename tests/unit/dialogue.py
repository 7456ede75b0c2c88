"""A conversation with a carrier that is answered by hand."""

import pytest

from rastro.carriers.base import Answered, Asking
from rastro.errors import RastroError
from rastro.http import Request, Response


def converse(asking: Asking, *responses: Response | RastroError) -> tuple[list[Request], Answered]:
    """
    The requests of a conversation that is answered so, and what it came to; it takes exactly these responses.

    An error in the place of a response is that of a call which brought none.
    """
    requests = [next(asking)]
    requests += [given(asking, response) for response in responses[:-1]]
    with pytest.raises(StopIteration) as end:
        given(asking, responses[-1])
    answered: Answered = end.value.value
    return requests, answered


def given(asking: Asking, response: Response | RastroError) -> Request:
    return asking.throw(response) if isinstance(response, RastroError) else asking.send(response)
