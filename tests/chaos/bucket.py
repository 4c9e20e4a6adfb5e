"""An S3 service of this process, whose bucket keeps versions; it can go away and come back with what it had."""

import logging
import time

import boto3
from moto.server import ThreadedMotoServer

NAME = "chaos"
KEYS = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}


class Service:
    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
        self.server = self._start(0)
        self.port = self.server.get_host_and_port()[1]
        client = boto3.client(
            "s3",
            endpoint_url=self.address,
            region_name="us-east-1",
            aws_access_key_id="writer",
            aws_secret_access_key="x",
        )
        client.create_bucket(Bucket=NAME)
        client.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Return what the portal's processes need to know."""
        return {**KEYS, "FILES_URL": f"s3://{NAME}/files?endpoint={self.address}&region=us-east-1"}

    def be_away(self, seconds: float) -> None:
        self.server.stop()
        time.sleep(seconds)
        self.server = self._start(self.port)

    def _start(self, port: int) -> ThreadedMotoServer:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        server.start()
        return server
