# The controller of ../shelf.ts with kopf 1.37 and the kubernetes client. Not run here.
# The CustomResourceDefinition and the role are YAML beside it, written by hand; they are not counted.
import datetime
import pathlib
import shutil

import kopf
import kubernetes

SHELVES = ("example.com", "v1", "shelves")
ROOT = pathlib.Path("shelves")


@kopf.on.startup()
def log_in(**_):
    try:
        kubernetes.config.load_incluster_config()
    except kubernetes.config.ConfigException:
        kubernetes.config.load_kube_config()


@kopf.index("", "v1", "configmaps")
def cards(name, body, meta, **_):
    owners = [owner for owner in meta.get("ownerReferences", []) if owner.get("controller")]
    return {owner["uid"]: (name, dict(body.get("data", {}))) for owner in owners}


# Changes of a card do not call a handler of its shelf: the timer finds them.
@kopf.timer(*SHELVES, interval=30)
@kopf.on.create(*SHELVES)
@kopf.on.update(*SHELVES)
@kopf.on.resume(*SHELVES)
def reconcile(body, spec, meta, status, uid, name, namespace, patch, cards: kopf.Index, **_):
    (ROOT / uid).mkdir(parents=True, exist_ok=True)
    core = kubernetes.client.CoreV1Api()
    there = dict(cards.get(uid, []))
    wanted = {f"{name}-{card}": {"card": str(card)} for card in range(spec["cards"])}
    for card, data in wanted.items():
        if there.get(card) == data:
            continue
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": card}, "data": data}
        kopf.adopt(config, owner=body)
        try:
            core.create_namespaced_config_map(namespace, config)
        except kubernetes.client.ApiException as error:
            if error.status != 409:
                raise
            core.patch_namespaced_config_map(card, namespace, config)
    for card in there.keys() - wanted.keys():
        try:
            core.delete_namespaced_config_map(card, namespace)
        except kubernetes.client.ApiException as error:
            if error.status != 404:
                raise
    ready = {"type": "Ready", "status": "True", "reason": "AllThere", "message": f"{len(wanted)} cards"}
    ready["observedGeneration"] = meta["generation"]
    before = next((one for one in status.get("conditions", []) if one["type"] == "Ready"), {})
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready["lastTransitionTime"] = before["lastTransitionTime"] if before.get("status") == "True" else now
    if status.get("cards") != len(wanted) or before != ready:
        others = [one for one in status.get("conditions", []) if one["type"] != "Ready"]
        patch.status.update({"cards": len(wanted), "conditions": [*others, ready]})


@kopf.on.delete(*SHELVES)
def clean(uid, **_):
    shutil.rmtree(ROOT / uid, ignore_errors=True)
