"""The compose file cannot be run without a Docker engine: what can be checked by reading is checked here."""

from pathlib import Path

import msgspec
import pytest
import yaml

from cloud_ingest.config import IngestConfig
from cloud_ingest.registry_folder import read_registry
from dashboards.catalogue import CATALOGUE
from edge_agent.config import load

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


def test_every_file_that_is_mounted_is_in_the_repository_or_made_by_the_script():
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./") and source != "./config/certs":
                assert (ROOT / source).exists(), f"{name}: {source}"
            elif not source.startswith("./"):
                assert source in COMPOSE["volumes"], f"{name}: {source}"


def test_every_image_is_pinned_and_every_secret_comes_from_the_environment():
    for name, service in SERVICES.items():
        image = service["image"]
        assert not image.endswith(":latest"), name
        assert ":" in image, name
    text = (ROOT / "docker-compose.yml").read_text()
    sample = (ROOT / ".env.sample").read_text()
    for variable in ("INFLUX_ADMIN_PASSWORD", "INFLUX_ADMIN_TOKEN", "GRAFANA_ADMIN_PASSWORD"):
        assert f"${{{variable}:?" in text
        assert f"{variable}=\n" in sample


def test_the_broker_mounts_the_files_that_the_integration_tests_start():
    mounts = SERVICES["mosquitto"]["volumes"]
    assert "./config/mosquitto/mosquitto.conf:/mosquitto/config/mosquitto.conf:ro" in mounts
    assert "./config/mosquitto/acl:/mosquitto/config/acl:ro" in mounts


def test_the_ingests_configuration_and_registry_are_valid():
    config = msgspec.toml.decode((ROOT / "config/county/ingest.toml").read_bytes(), type=IngestConfig)
    assert config.broker.host in SERVICES
    assert config.store.url == "http://influxdb:8086"
    assert len(read_registry(ROOT / "config/county/registry").devices) > 10


def test_the_gateways_configuration_is_valid_and_watches_the_simulated_cameras():
    config = load(ROOT / "config/gateway/edge-agent.toml")
    assert [camera.address[0] for camera in config.camera] == ["simulators"] * 4
    known = read_registry(ROOT / "config/county/registry").devices
    assert {camera.device for camera in config.camera} <= set(known)


def test_grafana_finds_its_home_and_every_dashboard():
    mount = next(m for m in SERVICES["grafana"]["volumes"] if "dashboards/grafana" in m)
    folder = mount.split(":")[1]
    provider = yaml.safe_load((ROOT / "config/grafana/provisioning/dashboards/county.yaml").read_text())["providers"][0]
    assert provider["options"]["path"] == folder
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == folder
    assert (ROOT / "dashboards/grafana" / home.name).exists()
    assert {f"{d.uid}.json" for d in CATALOGUE} == {p.name for p in (ROOT / "dashboards/grafana").glob("*.json")}


@pytest.mark.parametrize("target", ["ingest", "gateway", "simulators"])
def test_every_target_that_compose_builds_is_in_the_dockerfile(target):
    assert f" AS {target}\n" in (ROOT / "Dockerfile").read_text()
