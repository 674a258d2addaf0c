"""The job that brings a cell's database to the present, before the workloads of the same release begin.

Pure. Owns its objects and when a new one is due. Does not own what it does (``services.common.migrate``), what it may
read (``permissions``) nor whom it may talk to (``network_policies``). It runs inside the cell because nothing else
reaches the database, and as the only pod that may read the owner's password.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from services.contracts.workloads import MIGRATION
from stacks.manifests import (
    SETTINGS_DIRECTORY,
    SETTINGS_FILE,
    Manifest,
    container_security,
    metadata,
    mounts,
    pod_security,
    volumes,
)

ATTEMPTS = 10
"""With Kubernetes' pause between them, which doubles from 10 s to 6 min, a database may be away for half an hour."""
SECONDS = 3600
"""The longest that all attempts together may take, and that the engine waits for them."""
WRONG = 1
"""Exit code of a migration that no other attempt mends."""


def objects(image: str, passwords: int, database: str) -> Iterator[Manifest]:
    """The job for a release and its service account.

    Another image, another generation of passwords or another instance makes another job: it creates what the image
    knows, gives the roles their passwords, and finds nothing to do in a database that has both.
    """
    described = metadata(MIGRATION.name)
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": described,
        "automountServiceAccountToken": False,
    }
    reason = hashlib.sha256(f"{image} {passwords} {database}".encode()).hexdigest()[:10]
    yield {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            **described,
            "name": f"{MIGRATION.name}-{reason}",
            # A job that failed is made anew by the next deployment instead of being waited for.
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        "spec": {
            "backoffLimit": ATTEMPTS,
            "activeDeadlineSeconds": SECONDS,
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailJob",
                        "onExitCodes": {"containerName": MIGRATION.name, "operator": "In", "values": [WRONG]},
                    },
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "template": {"metadata": {"labels": described["labels"]}, "spec": _pod(image)},
        },
    }


def _pod(image: str) -> dict[str, object]:
    amounts = {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "64Mi"}
    return {
        "serviceAccountName": MIGRATION.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security(),
        "containers": [
            {
                "name": MIGRATION.name,
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "args": ["python", "-m", MIGRATION.module, "--settings", f"{SETTINGS_DIRECTORY}/{SETTINGS_FILE}"],
                "env": [{"name": "TMPDIR", "value": "/tmp"}],  # noqa: S108  # a volume of the pod
                "resources": {"requests": amounts, "limits": amounts},
                "securityContext": container_security(),
                "volumeMounts": mounts(),
            }
        ],
        "volumes": volumes(amounts["ephemeral-storage"]),
    }
