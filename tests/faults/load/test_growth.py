"""What a server holds does not grow with what it has done; `benchmarks.server.growth` tries it with 20,000 jobs."""

from tests.faults.harness import growth
from tests.faults.harness.growth import Crowd, measure

PLAN = growth.PLAN
FIRST_JOBS, MORE_JOBS = 150, 300
MAX_GROWTH = 1.05
ROOM = {  # as few jobs do not fill every buffer and pool
    "MB": 1.5,
    "descriptors": 3,
}


def test_nothing_grows_with_the_number_of_jobs(cluster):
    crowd = Crowd(cluster)
    crowd.warm_up()
    crowd.run(FIRST_JOBS)
    before = measure(cluster)
    crowd.run(MORE_JOBS)
    after = measure(cluster)
    grown = {}
    for name, value in before.items():
        room = next((room for unit, room in ROOM.items() if unit in name), 0)
        if after[name] > MAX_GROWTH * value + room:
            grown[name] = (value, after[name])
    assert not grown
    assert before["messages"] == before["blobs and folders"] == 0
