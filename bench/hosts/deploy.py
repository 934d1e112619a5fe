"""The desired state for pyinfra, written as its documentation recommends."""

import io
import json
import os

from pyinfra.operations import apt, files, systemd

with open(os.environ["DESIRED_STATE"]) as file:
    state = json.load(file)

apt.packages(
    name="packages",
    packages=state["packages"],
    no_recommends=True,
    update=True,
    cache_time=86400,
)

files.directory(name="directory", path="/etc/bench", mode="755")

for path, content in state["files"].items():
    files.put(name=path, src=io.StringIO(content), dest=path, user="root", group="root", mode="644")

units = [
    files.put(
        name=name,
        src=io.StringIO(content),
        dest=f"/etc/systemd/system/{name}",
        user="root",
        group="root",
        mode="644",
    )
    for name, content in state["services"].items()
]

systemd.daemon_reload(name="daemon-reload", _if=lambda: any(unit.did_change() for unit in units))

for name in state["services"]:
    systemd.service(name=f"{name} runs", service=name, running=True, enabled=True)
