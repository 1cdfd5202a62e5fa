"""Wait for many URLs with gevent: python gevent_waits.py URL ..."""

from gevent import monkey

monkey.patch_all()  # before the other imports, which would keep what blocks

import sys

from gevent.pool import Pool

from httsleep import HttSleepError, httsleep


def finished(url):
    """Return the URL, and the answer or the exception that ended its wait."""
    try:
        return url, httsleep(url, jsonpath={"$.status": "SUCCESS"}, max_time=600)
    except HttSleepError as error:
        return url, error


for url, result in Pool(1000).imap_unordered(finished, sys.argv[1:]):
    print(url, result)
