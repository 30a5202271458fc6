# SPDX-License-Identifier: Apache-2.0
"""A node whose plug is pulled while clients write to a database, a key-value store and a queue on it."""
import dataclasses
import json
import time

from cluster import ClusterTestCase, main, wait_until
from probes import application, fill, volumes

BACK = 45.0  # Less than the minute for which a client waits for an answer before it connects anew.
LAG = 1.0
MARGIN = 3.0  # What a machine that has other things to do may add to the lag.


@dataclasses.dataclass(frozen=True)
class Store:
    name: str
    image: str
    port: int
    mountpoint: str
    fill: str

    def description(self):
        return {"image": self.image, "ports": [{"internal": self.port, "external": self.port}],
                "volume": {"mountpoint": self.mountpoint, "replicas": 1, "lag": f"{LAG:g}s"},
                "failover": "automatic", "restart_policy": {"name": "always"}}


STORES = (
    Store("redis", "flocker/redis:7", 6379, "/data", "32M"),
    Store("postgres", "flocker/postgres:15", 5432, "/var/lib/postgresql/data", "64M"),
    Store("rabbitmq", "flocker/rabbitmq:3", 5672, "/var/lib/rabbitmq", "32M"),
)
FILLED = 128 << 20


class PulledPlug(ClusterTestCase):
    """alder has the control service and is where clients connect; all applications are on birch."""

    images = tuple(store.image for store in STORES)

    def test_clients_are_served_again_and_lose_no_more_than_the_lag_and_what_birch_had_alone_is_kept(self):
        self.cluster.deploy({store.name: store.description() for store in STORES},
                            {"alder": [], "birch": [store.name for store in STORES], "cedar": []}, timeout=300)
        for store in STORES:
            fill(self.cluster, "alder", store.port, store.fill, store.name)
        clients = {store.name: self.cluster.load(store.name, "alder", store.port, "--interval", "5") for store in STORES}
        for store in STORES:
            clients[store.name].wait_rows(200, 60)
            self.await_replica(store.name, "birch")

        plug = self.pull("birch")
        backs = {name: client.wait_acknowledged_after(plug + 0.5) for name, client in clients.items()}
        lost = {}
        for store in STORES:
            with self.subTest(store.name):
                owner = application(self.cluster, store.name)["owner_node"]
                self.assertIn(owner, ("alder", "cedar"))
                clients[store.name].wait_rows(50)
                lost[store.name] = self.assert_lost_no_more_than_the_lag(store.name, clients[store.name], plug, backs[store.name])

        self.cluster.power_on()
        for store in STORES:
            with self.subTest(store.name):
                self.await_replica(store.name, application(self.cluster, store.name)["owner_node"], "birch")
                self.assertFalse(self.cluster["birch"].has_process(f"flocker--{store.name}"))
                self.assert_set_aside_on_birch(store.name)
        if lost["redis"]:
            self.assertTrue(self.is_in_redis_aside(lost["redis"]), "what was lost is in what was set aside")
        self.assertLess(self.received("birch"), FILLED / 2, "birch had nearly all of it")

    def pull(self, name):
        """No packet gets out any more, and then everything there is gone. When."""
        self.cluster[name].unplug()
        plug = time.time()
        self.cluster[name].power_off()
        return plug

    def assert_lost_no_more_than_the_lag(self, name, client, plug, back):
        """Some of the rows that are lost."""
        found = client.verify()
        when = dict(client.acknowledged())
        lost = plug - when[found["first_lost"][0]] if found["lost"] else 0.0
        print(f"{name}: served again {back - plug:.1f} s after the plug was pulled; "
              f"{found['lost']} of {found['acknowledged']} rows lost, the oldest {lost * 1000:.0f} ms older than the plug")
        self.assertLess(back - plug, BACK)
        self.assertLess(lost, LAG + MARGIN, found)
        return found["first_lost"]

    def await_replica(self, name, owner, node=None):
        """Up to date, on that node or on whichever it is. The figures are old if nobody has heard of its owner for long."""
        def current():
            volume = next(each for each in volumes(self.cluster) if each["application"] == name)
            return volume["owner_node"] == owner and any(
                node in (None, each["node"]) and each.get("behind_ns", 9e9) < 2e9 and each.get("proof_age_ns", 9e9) < 2e9
                for each in volume["replicas"])
        wait_until(lambda: f"the replica of {name}: {json.dumps(volumes(self.cluster))}", current, 90)

    def assert_set_aside_on_birch(self, name):
        listed = self.cluster.flocker("volume", "snapshots", name, "--json")["snapshots"]
        aside = [each for each in listed if each["kind"] == "set aside"]
        self.assertEqual([each["node"] for each in aside], ["birch"], listed)

    def is_in_redis_aside(self, rows):
        """Its log has each row's number as text."""
        dataset = next(each["dataset"] for each in volumes(self.cluster) if each["application"] == "redis")
        kept, = (self.cluster["birch"].folder / "pool" / "flocker" / dataset).glob("aside-*")
        logs = b"".join(path.read_bytes() for path in kept.rglob("*.incr.aof"))
        return all(f"\r\n{row}-0\r\n".encode() in logs for row in rows)

    def received(self, node):
        """Bytes, since it was switched on."""
        link = json.loads(self.cluster[node].run("ip", "-json", "-statistics", "link", "show", "dev", "eth0").stdout)[0]
        return link["stats64"]["rx"]["bytes"]


if __name__ == "__main__":
    main()
