"""What `deploy/` promises to those who run a homeserver fits the program."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from connexa.homeserver.settings import LimitSettings, ServerSettings
from connexa.identity import FEDERATION_PORT, HTTPS_PORT, LINK_PORT

DEPLOY = Path(__file__).parents[2] / "deploy"
PORTS = {LINK_PORT, FEDERATION_PORT, HTTPS_PORT}
GRACE_SECONDS = 60


def _documents(path: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / path).read_text()))


def _unit() -> configparser.RawConfigParser:
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "systemd/connexa-server.service")
    return unit


def test_the_compose_file_opens_the_ports_of_a_homeserver_and_gives_it_time_to_drain() -> None:
    [compose] = _documents("container/compose.yaml")
    server = compose["services"]["homeserver"]
    assert {int(port.partition(":")[2]) for port in server["ports"]} == PORTS
    assert server["stop_grace_period"] == f"{GRACE_SECONDS}s"
    assert server["ulimits"]["nofile"] > LimitSettings().links
    assert (DEPLOY / "container" / server["build"]["context"] / server["build"]["dockerfile"]).is_file()


def test_the_image_has_what_the_source_has() -> None:
    text = (DEPLOY / "container/Containerfile").read_text()
    assert set(map(int, re.search(r"^EXPOSE (.+)$", text, re.MULTILINE)[1].split())) == PORTS  # type: ignore[index]
    for name in re.findall(r"/src/(\S+)", text):
        assert (DEPLOY.parent / name).is_file()


def test_the_manifest_has_one_pod_with_those_ports_and_a_page_to_look_at() -> None:
    service, pods = _documents("kubernetes/homeserver.yaml")
    assert {port["port"] for port in service["spec"]["ports"]} == PORTS
    assert service["spec"]["externalTrafficPolicy"] == "Local"
    assert pods["spec"]["replicas"] == 1
    spec = pods["spec"]["template"]["spec"]
    [container] = spec["containers"]
    assert {port["containerPort"] for port in container["ports"]} == PORTS
    assert spec["terminationGracePeriodSeconds"] == GRACE_SECONDS
    assert container["readinessProbe"]["httpGet"]["path"] == "/health"


def test_the_unit_runs_the_server_and_gives_it_descriptors_and_time() -> None:
    unit = _unit()["Service"]
    assert unit["ExecStart"].endswith("connexa server run")
    assert int(unit["LimitNOFILE"]) > LimitSettings().links
    assert int(unit["TimeoutStopSec"]) == GRACE_SECONDS
    assert unit["StateDirectory"] == Path(unit["Environment"].partition("=")[2]).name == "connexa"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    copy = tmp_path / "connexa-server.service"
    copy.write_text((DEPLOY / "systemd/connexa-server.service").read_text().replace("/opt/connexa/bin/connexa", "/bin/true"))
    seen = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, timeout=60, check=False)
    assert "connexa-server.service" not in seen.stderr


def test_the_guide_names_settings_and_files_that_exist() -> None:
    guide = (DEPLOY / "README.md").read_text()
    for name in re.findall(r"`server\.limits\.(\w+)`", guide):
        assert name in LimitSettings.__struct_fields__
    for link in re.findall(r"\]\(([^)#]+)\)", guide):
        assert (DEPLOY / link).exists()
    assert f"https://127.0.0.1:{HTTPS_PORT}" in (DEPLOY / "nginx/well-known.conf").read_text()
    assert ServerSettings(domain="example.org").limits.links == 20_000
