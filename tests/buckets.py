"""An S3 service of its own for tests, with buckets that keep versions. Loaded by ``-p tests.buckets``."""

import uuid

import pytest


@pytest.fixture(scope="module")
def s3_server():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket_url(s3_server, monkeypatch, tmp_path):
    """Return the address of a prefix in a new bucket that keeps versions."""
    import boto3

    config = tmp_path / "aws"
    config.write_text(
        "[default]\naws_access_key_id = writer\naws_secret_access_key = x\n"
        "[profile looker]\naws_access_key_id = looker\naws_secret_access_key = y\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    name = f"b{uuid.uuid4().hex}"
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1")
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return f"s3://{name}/portal/files?endpoint={s3_server}&region=us-east-1&verify_profile=looker"
