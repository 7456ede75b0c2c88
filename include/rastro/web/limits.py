"""How much anybody may send us, and how fast."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What the service bears. Rates are requests a second, ``burst`` how many may come at once after a quiet time.

    A shop with 50,000 parcels under way is told of five or so changes a second on average; carriers send them in heaps.
    """

    body: int = 1 << 20  # bytes
    reading: float = 10.0  # seconds that a body may take to arrive
    pushes: float = 100.0  # genuine ones, of one carrier
    push_burst: int = 2000
    unread: int = 50_000  # bodies of one carrier that no run has read yet
    questions: float = 5.0  # of the hub
    question_burst: int = 60
    numbers: int = 1000  # in one question
    views: float = 2.0  # of tracking pages, from one address
    view_burst: int = 60
    all_views: float = 200.0  # from everywhere together
    all_view_burst: int = 2000


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Lets ``burst`` through at once, then ``rate`` a second. Times are seconds of any clock that never goes back."""

    rate: float
    burst: int
    _held: float = field(init=False)
    _at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._held = float(self.burst)

    def wait(self, now: float) -> float:
        """Seconds until one more may come; 0 when it may now, and is counted."""
        self._held = min(float(self.burst), self._held + max(0.0, now - self._at) * self.rate)
        self._at = now
        if self._held < 1.0:
            return (1.0 - self._held) / self.rate
        self._held -= 1.0
        return 0.0


MOST_VISITORS = 10_000


class Visitors:
    """A bucket for each address that asks, and one for all together. Of too many that longest not seen is forgotten."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all = Bucket(rate=limits.all_views, burst=limits.all_view_burst)
        self._each: dict[str, Bucket] = {}

    def wait(self, address: str, now: float) -> float:
        """Seconds until this address may ask once more; 0 when it may now, and is counted."""
        limits = self._limits
        bucket = self._each.pop(address, None) or Bucket(rate=limits.views, burst=limits.view_burst)
        self._each[address] = bucket  # the last one now
        if len(self._each) > MOST_VISITORS:
            del self._each[next(iter(self._each))]
        return bucket.wait(now) or self._all.wait(now)
