"""When Airflow runs a failed task again: by what the error says can help."""

from datetime import timedelta

import psycopg
from airflow.sdk import RetryDecision, RetryPolicy
from airflow.sdk.definitions.context import Context

from rastro.errors import Permanent, Transient
from rastro.orchestration.workshop import read_settings

LONGEST_PAUSE = timedelta(minutes=10)


class RetryWhatMayHelp(RetryPolicy):
    """
    Permanent errors fail at once; transient ones, a lost database among them, wait as long as the other side asked,
    within reason.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        del try_number, max_tries, context
        if isinstance(exception, Permanent):
            return RetryDecision.fail("a repeat gives the same; see the error for what to do")
        if isinstance(exception, Transient | psycopg.OperationalError):
            asked = timedelta(seconds=getattr(exception, "retry_after", None) or 0)
            return RetryDecision.retry(min(max(asked, read_settings().retry_delay), LONGEST_PAUSE))
        return RetryDecision.default()
