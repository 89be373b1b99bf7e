"""Instances and configurations of the end-to-end tests, and the samples that must come of them."""

import dataclasses
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "das_sim"), os.path.join(HERE, "..", "tools")]

import das_sim_client

UID, UID2 = "1000000000000001", "1000000000000002"
KEYS = {UID: ("testak1", "testsecret1"), UID2: ("testak2", "testsecret2")}

SESSION_LABELS = ("ins_id", "ins_name", "ins_type", "aliyun_uid", "db_user", "node_id", "node_type")
LIMIT_LABELS = ("ins_id", "username")


@dataclasses.dataclass
class Instance:
    """One row of instance_list with its nodes (id, type) and user limits (name, limit)."""

    ins_id: str
    ins_name: str = "name"
    ins_type: str = "RDS"
    uid: str = UID
    readonly: int = 0
    status: int = 1
    engine: str = "mysql"
    nodes: tuple = ()
    users: tuple = ()

    def sections(self):
        """Its section of an inventory file."""
        keys = {
            "ins_name": self.ins_name,
            "ins_type": self.ins_type.lower(),
            "aliyun_uid": self.uid,
            "ins_is_readonly": self.readonly,
            "ins_status": self.status,
        }
        if self.nodes:
            keys["nodes"] = ",".join(f"{node}:{kind}" for node, kind in self.nodes)
        if self.users:
            keys["users"] = ",".join(f"{user}:{limit}" for user, limit in self.users)
        return {f"instance {self.ins_id}": keys}

    def statements(self):
        """The SQL that puts it into the tables."""
        yield ("INSERT INTO instance_list (ins_id, ins_name, ins_type, aliyun_uid, ins_is_readonly, "
               f"ins_status, engine) VALUES ({text(self.ins_id)}, {text(self.ins_name)}, "
               f"{text(self.ins_type)}, {text(self.uid)}, {self.readonly}, {self.status}, {text(self.engine)});")
        for node, kind in self.nodes:
            yield ("INSERT INTO instance_node_id (ins_id, node_id, node_type) VALUES "
                   f"({text(self.ins_id)}, {text(node)}, {0 if kind == 'write' else 1});")
        for user, limit in self.users:
            yield ("INSERT INTO instance_users (ins_id, username, max_user_connections) VALUES "
                   f"({text(self.ins_id)}, {text(user)}, {limit});")

    def targets(self):
        """[(node_id, node_type)]"""
        if self.ins_type.lower() == "polardb":
            return list(self.nodes)
        return [("", "read" if self.readonly else "write")]

    def sessions(self, generation=0):
        """{values of SESSION_LABELS: sessions} as the simulator counts them."""
        return {
            (self.ins_id, self.ins_name, self.ins_type.lower(), self.uid, user, node, kind): total
            for node, kind in self.targets()
            for user, (total, _) in das_sim_client.expected_sessions(self.ins_id, node, generation).items()
        }


def text(value):
    """A text as an SQL literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def sessions(instances, generation=0):
    result = {}
    for instance in instances:
        result.update(instance.sessions(generation))
    return result


def statements(instances):
    return "".join(statement + "\n" for instance in instances for statement in instance.statements())


def ini(sections):
    return "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) + "\n"
        for section, keys in sections.items()
    )


def inventory_file(instances):
    return ini({name: keys for instance in instances for name, keys in instance.sections().items()})


def account(uid, **more):
    key, secret = KEYS[uid]
    return {"access_key_id": key, "access_key_secret": secret, **more}


def configuration(endpoint, uids=(UID,), **changes):
    """
    Sections of a configuration that is quick enough to watch. It takes all of the simulator's quota,
    so that one call too many would be seen. changes: section=dict with what differs; None drops a key.
    In section names "_" stands for the blank of "metric NAME" and "account UID".
    """
    sections = {
        "web": {"listen": "127.0.0.1:0"},
        "inventory": {"source": "file", "file": "inventory.ini", "refresh_interval": "1s"},
        "das": {"endpoint": endpoint, "rate_limit": 20, "rate_window": "100ms"},
        "metric db_user_session_count": {"interval": "1s", "stale_after": "60s"},
        "metric db_max_user_connections": {"interval": "1s", "stale_after": "60s"},
    }
    sections.update({f"account {uid}": account(uid) for uid in uids})
    for name, keys in changes.items():
        for prefix in ("metric_", "account_"):
            name = name.replace(prefix, prefix[:-1] + " ", 1) if name.startswith(prefix) else name
        section = {**sections.get(name, {}), **keys}
        sections[name] = {key: value for key, value in section.items() if value is not None}
    return sections


def series(page, name, labels):
    """{label values: value} of one family; the labels must be these, in this order."""
    found = {}
    family = page.families.get(name)
    for _, pairs, value in family.samples if family else ():
        assert tuple(label for label, _ in pairs) == labels, f"labels of {name} are {pairs}"
        found[tuple(value for _, value in pairs)] = value
    return found
