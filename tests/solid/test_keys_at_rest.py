"""Keys are in the configuration and in memory, and in no other place where somebody might find them."""

import logging
import os
from pathlib import Path

import aiohttp

from realtime_lb.simulator import Simulator
from realtime_lb.simulator.face import Face
from tests.cli.configs import written
from tests.cli.processes import running
from tests.cli.test_workers import ANYWHERE, LISTENING, children
from tests.solid.canaries import CANARIES, Net

log = logging.getLogger("figures")

FILE = f"""\
model_list:
  - model_name: voice
    litellm_params:
      model: openai/gpt-realtime
      api_key: "{CANARIES["upstream_key"]}"
      api_base: "URL"
      extra_headers: {{X-Gateway-Key: "{CANARIES["extra_header"]}"}}
general_settings: {{master_key: "{CANARIES["client_key"]}"}}
realtime_lb: {{server: {{admin_port: 0, drain_admit_s: 0, drain_timeout_s: 0}}}}
"""


def look_at(process: int, net: Net) -> None:
    """See what the system shows of a process, and what it has open to write to."""
    place = Path(f"/proc/{process}")
    for name in ("cmdline", "environ", "comm", "maps"):
        net.put(name, (place / name).read_bytes())
    for file in (place / "fd").iterdir():
        opened = file.readlink()
        if opened.is_file() and os.access(opened, os.W_OK) and not str(opened).startswith("/dev/"):
            net.put("open files", opened.read_bytes())


async def test_no_key_is_in_an_argument_an_environment_or_a_file_of_ours(tmp_path: Path) -> None:
    """A gateway's, and its workers', while a call is live and when all is over."""
    net, folder = Net(), tmp_path / "temporary"
    folder.mkdir()
    async with Simulator(Face.OPENAI, api_key=CANARIES["upstream_key"]) as upstream:
        config = written(tmp_path, FILE.replace("URL", upstream.base_url))
        places = {"TMPDIR": str(folder), "HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
        async with (
            running("serve", "-c", config, *ANYWHERE, "--workers", "2", env=places) as gateway,
            aiohttp.ClientSession(headers={"api-key": CANARIES["client_key"]}) as http,
        ):
            url = (await gateway.says(LISTENING))[1]
            async with http.ws_connect(f"{url}/v1/realtime?model=voice") as client:
                assert (await client.receive_json())["type"] == "session.created"
                processes = [gateway.process.pid, *children(gateway.process.pid)]
                assert len(processes) == 3
                for process in processes:
                    look_at(process, net)
            assert await gateway.stop() == 0
    for file in folder.rglob("*"):
        net.put("files", bytes(file) + (file.read_bytes() if file.is_file() else b""))
    found = net.found()
    log.info(
        "figure: E3 %d finds in %d processes, %s bytes: %s",
        len(found), len(processes), f"{net.caught.total():,}", dict(net.caught),
    )  # fmt: skip
    assert found == []
    assert {"cmdline", "environ"} <= net.caught.keys()
