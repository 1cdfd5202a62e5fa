"""Wait for thousands of jobs with a few threads."""

from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from time import monotonic


def wait_for_all(sleepers, workers=16, spread=2):
    """Yield each sleeper as its wait ends, with the answer or the exception."""
    began, results, polling = monotonic(), SimpleQueue(), 0
    due = [(began + spread * n / len(sleepers), n) for n in range(len(sleepers))]

    def poll(number):
        try:
            results.put((number, sleepers[number].poll(), None))
        except Exception as exception:
            results.put((number, None, exception))

    with ThreadPoolExecutor(workers) as pool:
        while due or polling:
            while due and due[0][0] <= monotonic():
                pool.submit(poll, heappop(due)[1])
                polling += 1
            pause = max(due[0][0] - monotonic(), 0) if due else None
            try:
                number, attempt, exception = results.get(timeout=pause)
            except Empty:
                continue
            polling -= 1
            if attempt is not None and not attempt.met:
                heappush(due, (monotonic() + attempt.next_wait, number))
            else:
                sleepers[number].close()
                yield sleepers[number], exception or attempt.response
