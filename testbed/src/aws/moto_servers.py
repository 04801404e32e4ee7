"""Serves AWS emulators: one line on stdin starts one, and its port is the answer on stdout.

Importing moto takes most of a second, far more than the tests that use it. So this process imports it once and
then forks a server for each request; every server is empty and knows nothing of the others.
"""

import gc
import json
import os
import signal
import socket
import sys
import threading
import urllib.parse

# Collecting between imports finds nothing and takes time; on again before the first server.
gc.disable()

import botocore.session


def available_regions(self, service_name, partition_name="aws", allow_non_regional=False):
    """What botocore says, without reading the whole description of the service for its endpoint's name.

    moto asks this while it is imported, and EC2's description alone takes half a second.
    """
    resolver = self.get_component("endpoint_resolver")
    return resolver.get_available_endpoints(service_name, partition_name, allow_non_regional)


botocore.session.Session.get_available_regions = available_regions

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client

from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.models import sts_backends

ACCOUNT = "123456789012"

# One read of each service, so that what it imports and builds on first use is there before the first fork.
WARM_UP = [
    ("iam", {"Action": "ListUsers", "Version": "2010-05-08"}, {}),
    ("iam", {"Action": "GetAccountAuthorizationDetails", "Version": "2010-05-08"}, {}),
    ("sts", {"Action": "GetCallerIdentity", "Version": "2011-06-15"}, {}),
    ("rds", {"Action": "DescribeDBClusters", "Version": "2014-10-31"}, {}),
    ("secretsmanager", None, {"X-Amz-Target": "secretsmanager.ListSecrets"}),
]


class Handler(WSGIRequestHandler):
    # Kept connections save the client a connect for each call.
    protocol_version = "HTTP/1.1"
    # The answer's head and body are two writes, and the second must not wait for the first to be acknowledged.
    disable_nagle_algorithm = True

    def log(self, type, message, *args):
        pass


def documents(holder):
    """The policy documents of a user, group or role."""
    attached = [
        version.document
        for policy in holder.managed_policies.values()
        for version in policy.versions
        if version.is_default
    ]
    return [*holder.policies.values(), *attached]


def principal(access_key):
    """Who an access key belongs to now, with all that a verifier of signatures must know; None for nobody.

    moto's own /moto-api/data.json will not do: it goes on showing what has been deleted, as it was.
    """
    iam = iam_backends[ACCOUNT]["aws"]
    for user in iam.users.values():
        for key in user.access_keys:
            if key.access_key_id == access_key:
                groups = [document for group in iam.get_groups_for_user(user.name) for document in documents(group)]
                return {
                    "arn": user.arn,
                    "secret": key.secret_access_key,
                    "active": key.status == "Active",
                    "policies": documents(user) + groups,
                }
    session = sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(access_key)
    found = session and role(session.role_arn)
    if not found:
        return None
    return {
        "arn": session.arn,
        "secret": session.secret_access_key,
        "token": session.session_token,
        "expires": session.expiration.timestamp(),
        "active": True,
        "policies": found["policies"],
        "session_policy": session.policy,
    }


def role(arn):
    for candidate in iam_backends[ACCOUNT]["aws"].roles.values():
        if candidate.arn == arn:
            return {"trust": candidate.assume_role_policy_document, "policies": documents(candidate)}
    return None


class Inside:
    """Adds to a server what the test bed asks about its inside: /testbed/principal?KEY and /testbed/role?ARN.

    One call at a time: moto walks over its users and roles while others add to them, and answers 500 where it notices.
    """

    def __init__(self, application):
        self.application = application
        self.answers = {"/testbed/principal": principal, "/testbed/role": role}
        self.turn = threading.Lock()

    def __call__(self, environment, start_response):
        with self.turn:
            return self.call(environment, start_response)

    def call(self, environment, start_response):
        answer = self.answers.get(environment.get("PATH_INFO"))
        if answer is None:
            return self.application(environment, start_response)
        body = json.dumps(answer(urllib.parse.unquote(environment["QUERY_STRING"]))).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def warm_up(application, region):
    client = Client(application)
    for service, form, headers in WARM_UP:
        scope = f"AKIAWARMUP/20200101/{region}/{service}/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=none", **headers}
        if form is None:
            client.post("/", data=b"{}", headers=headers, content_type="application/x-amz-json-1.1")
        else:
            client.post("/", data=form, headers=headers)
    client.get("/moto-api/data.json")


def serve(application, listener, alive, lifeline):
    os.close(lifeline)

    def leave_with_parent():
        # Nothing is ever written: the read returns when the last writer, the parent, is gone.
        os.read(alive, 1)
        os._exit(0)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    mock_random.seed()
    port = listener.getsockname()[1]
    os.environ["MOTO_PORT"] = str(port)
    server = make_server(
        "127.0.0.1", port, Inside(application), threaded=True, request_handler=Handler, fd=listener.fileno()
    )
    server.serve_forever()


def main():
    region = sys.argv[1]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    application = DomainDispatcherApplication(create_backend_app)
    warm_up(application, region)
    # What is there by now stays: collecting it again in each server would only copy its memory.
    gc.freeze()
    gc.enable()
    alive, lifeline = os.pipe()
    while command := sys.stdin.readline().split():
        if command[0] == "stop":
            os.kill(int(command[1]), signal.SIGKILL)
            continue
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
            child = os.fork()
            if child == 0:
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                serve(application, listener, alive, lifeline)
            print(child, listener.getsockname()[1], flush=True)


if __name__ == "__main__":
    main()
