"""How often each of the other sides was called, how it answered, and how long that took. Pure."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rastro.http import Call

# Seconds, each the upper end of a span; a call that took longer than all of them counts for the last.
SPANS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 90.0)
LOST = "lost"
ANSWERS = ("2xx", "3xx", "4xx", "5xx", LOST)


@dataclass(slots=True)
class CallFigures:
    """
    Calls by (the other side's name, one of :data:`ANSWERS`) and by (name, one of :data:`SPANS`); they can be added up.

    Threads may share it.
    """

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    spans: Counter[tuple[str, float]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, call: Call) -> None:
        with self._lock:
            self.answers[call.name, f"{call.status // 100}xx" if call.status else LOST] += 1
            self.spans[call.name, SPANS[min(bisect_left(SPANS, call.seconds), len(SPANS) - 1)]] += 1

    def kept(self) -> dict[str, dict[str, dict[str, int]]]:
        """``{"correios": {"answers": {"2xx": 40}, "seconds": {"0.1": 38, "0.25": 2}}}``"""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for (name, answer), calls in self.answers.items():
            found.setdefault(name, {"answers": {}, "seconds": {}})["answers"][answer] = calls
        for (name, span), calls in self.spans.items():
            found[name]["seconds"][str(span)] = calls
        return found

    def add_kept(self, kept: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
        """What :meth:`kept` has made."""
        for name, figures in kept.items():
            self.answers.update({(name, answer): calls for answer, calls in figures["answers"].items()})
            self.spans.update({(name, float(span)): calls for span, calls in figures["seconds"].items()})

    @property
    def names(self) -> list[str]:
        return sorted({name for name, _ in self.answers})

    def quantile(self, name: str, share: float) -> float:
        """Seconds within which that share of the calls were over, as the end of a span; 0 without calls."""
        counts = [self.spans[name, span] for span in SPANS]
        so_far = 0
        for span, calls in zip(SPANS, counts, strict=True):
            so_far += calls
            if so_far and so_far >= share * sum(counts):
                return span
        return 0.0
