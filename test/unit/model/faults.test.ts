import { describeProblem } from "../../../model";
import {
  change,
  hostKey,
  physicalConfig,
  problemsOf,
  virtualConfig,
  type RawConfig,
} from "../../support/lab-config";

/** Path and value of one mistake in an otherwise valid lab, and all that the user is told. */
type Mistake = readonly [path: readonly string[], value: unknown, told: string];

const mistakes: Readonly<Record<string, readonly Mistake[]>> = {
  "the client ring": [
    [
      ["ring", "alertsPerMinute"],
      7000,
      "lab.ring.alertsPerMinute: 7000 is out of range: the alerts that a client sends a minute is a whole number from 0 to 6000. Give one, e.g. 6.",
    ],
    [
      ["topics", "red", "config", "max.message.bytes"],
      "500",
      'lab.topics.red.config["max.message.bytes"]: 500 has no room for a client\'s alert. Make it 1024 or more, or give the client another topic.',
    ],
  ],
  "the lab as a whole": [
    [
      ["name"],
      "GCN",
      "lab.name: GCN is not a legal name: it does not begin with a small letter. Write gcn, say.",
    ],
    [
      ["name"],
      "a-name-that-is-too-long",
      "lab.name: a-name-that-is-too-long is not a legal name: it has 23 characters; at most 20 fit. Choose another.",
    ],
    [
      ["timezone"],
      "Europe/Berlim",
      "lab.timezone: Europe/Berlim is not a time zone. Did you mean Europe/Berlin?",
    ],
    [
      ["timezone"],
      "europe/berlin",
      "lab.timezone: europe/berlin is not a time zone. Did you mean Europe/Berlin?",
    ],
    [
      ["timezone"],
      "+01:00",
      "lab.timezone: +01:00 is not a time zone. Give its name in the IANA database, e.g. Europe/Berlin; `timedatectl list-timezones` has them all.",
    ],
    [
      ["clock", "server"],
      "broker-9",
      "lab.clock.server: broker-9 is not a host of the lab. Did you mean broker-1?",
    ],
    [
      ["clock", "server"],
      "ntp.example.org",
      "lab.clock.server: ntp.example.org is not a host of the lab. Name one of hosts: broker-1, broker-2, broker-3, client-1, client-2, desk-1.",
    ],
    [
      ["clock", "upstream"],
      ["a b"],
      "lab.clock.upstream[0]: a b is neither a host name nor an address. Name an NTP server or pool, e.g. 2.debian.pool.ntp.org.",
    ],
    [
      ["clock", "upstream"],
      "2.debian.pool.ntp.org",
      "lab.clock.upstream: 2.debian.pool.ntp.org is text, not a list. Write it in brackets, with commas between: [first, second].",
    ],
    [
      ["ssh", "user"],
      "Pi User",
      "lab.ssh.user: Pi User is not a login name: those are small letters, digits, `_` and `-`. Give the user to log in as, e.g. pi.",
    ],
    [
      ["ssh", "privateKeyPath"],
      "~/.ssh/id_ed25519.pub",
      "lab.ssh.privateKeyPath: ~/.ssh/id_ed25519.pub is the file of a public key. Name the private one: ~/.ssh/id_ed25519.",
    ],
    [
      ["ssh", "port"],
      0,
      "lab.ssh.port: 0 is out of range: the port of sshd is a whole number from 1 to 65535. Give one, e.g. 22.",
    ],
    [
      ["ssh", "port"],
      9092,
      "lab.cluster.clientPort: 9092 is ssh.port too: one host cannot listen twice on a port. Choose another, e.g. 9092 for clients and 9093 for controllers.",
    ],
    [
      ["packages"],
      { from: "controller", mirrors: ["mirror.example.org", "http://mirror.example.org/debian"] },
      "lab.packages.mirrors[1]: http://mirror.example.org/debian is no mirror's name. Write host or host:port in small letters, without http:// and path, and without :80, e.g. mirror.example.org.",
    ],
    [
      ["packages"],
      { from: "controller", mirrors: [] },
      "lab.packages.mirrors: names no mirror. Name them, or leave the key out: then those of the hosts' apt sources are asked.",
    ],
    [
      ["packages"],
      { mirrors: ["mirror.example.org:3142"] },
      "lab.packages.mirrors: is of no effect: hosts ask the mirrors of their own apt sources. Leave it out, or write `from: controller`.",
    ],
    [
      ["packages"],
      { mirror: ["mirror.example.org"] },
      "lab.packages.mirror: is not a known key. Did you mean mirrors? Keys here: from, mirrors.",
    ],
    [
      ["swich"],
      {},
      "lab.swich: is not a known key. Did you mean switch? Keys here: acls, alerting, bridge, clock, cluster, dashboards, databricks, deleteTopics, hosts, machines, mqtt, name, packages, quotas, ring, ssh, statusPage, store, supplies, switch, telemetry, timezone, topics, users, virtual.",
    ],
  ],
  "the switch": [
    [
      ["switch", "model"],
      "SW-08",
      "lab.switch.model: SW-08 is not in the catalogue of switches. Did you mean SW-008? Known: SW-005, SW-008. For another, give switch.ports too.",
    ],
    [
      ["switch", "model"],
      undefined,
      "lab.switch.model: is missing, and so is ports. Give the model (SW-005, SW-008), or for any other switch its number of ports.",
    ],
    [
      ["switch", "ports"],
      16,
      "lab.switch.ports: 16 contradicts the model: the SW-008 has 8 ports. Leave ports out, or leave the model out if it is another switch.",
    ],
    [
      ["switch", "subnet"],
      "10.0.42.0",
      "lab.switch.subnet: 10.0.42.0 is not an IPv4 subnet. Write address/length, e.g. 10.0.42.0/24.",
    ],
    [
      ["switch", "subnet"],
      "10.0.42.1/24",
      "lab.switch.subnet: 10.0.42.1/24 does not begin at its network's address. Write 10.0.42.0/24.",
    ],
    [
      ["switch", "subnet"],
      "10.0.42.0/30",
      "lab.switch.subnet: 10.0.42.0/30 has a prefix of 30 bits; a lab's has 16 to 29. Choose one for the lab alone, e.g. 10.0.42.0/24.",
    ],
    [
      ["switch", "subnet"],
      "10.0.0.0/8",
      "lab.switch.subnet: 10.0.0.0/8 has a prefix of 8 bits; a lab's has 16 to 29. Choose one for the lab alone, e.g. 10.0.42.0/24.",
    ],
    [
      ["switch", "subnet"],
      "127.0.0.0/24",
      "lab.switch.subnet: 127.0.0.0/24 is reserved: no machine can have an address in it. Choose a private one, e.g. 10.0.42.0/24.",
    ],
    [
      ["switch", "subnet"],
      10,
      'lab.switch.subnet: 10 is read by YAML as a number, not as text. Put quotes around the lab\'s subnet, e.g. "10.0.42.0/24".',
    ],
    [
      ["switch", "gateway"],
      "10.0.42.255",
      "lab.switch.gateway: 10.0.42.255 cannot be an address of a machine in 10.0.42.0/24. Leave it out to have the last one, 10.0.42.254, or choose one between.",
    ],
    [
      ["switch", "gateway"],
      "10.0.42.3",
      "lab.machines.pi-3.address: 10.0.42.3 is the gateway's (switch.gateway). Choose a free one: 10.0.42.8, 10.0.42.9, 10.0.42.10, 10.0.42.11, 10.0.42.12.",
    ],
    [
      ["switch", "vlan"],
      4,
      "lab.switch.vlan: is not a known key. Keys here: gateway, model, ports, subnet.",
    ],
  ],
  machines: [
    [
      ["machines", "pi-2", "address"],
      "10.0.42.1",
      "lab.machines.pi-2.address: 10.0.42.1 is taken by pi-1. Choose a free one: 10.0.42.2, 10.0.42.8, 10.0.42.9, 10.0.42.10, 10.0.42.11.",
    ],
    [
      ["machines", "pi-2", "address"],
      "10.0.43.2",
      "lab.machines.pi-2.address: 10.0.43.2 lies outside the switch's subnet 10.0.42.0/24. Choose a free one: 10.0.42.2, 10.0.42.8, 10.0.42.9, 10.0.42.10, 10.0.42.11.",
    ],
    [
      ["machines", "pi-2", "address"],
      "10.0.42.0",
      "lab.machines.pi-2.address: 10.0.42.0 is the address of the network 10.0.42.0/24 itself. Choose a free one: 10.0.42.2, 10.0.42.8, 10.0.42.9, 10.0.42.10, 10.0.42.11.",
    ],
    [
      ["machines", "pi-2", "address"],
      "10.0.42.255",
      "lab.machines.pi-2.address: 10.0.42.255 is the broadcast address of 10.0.42.0/24. Choose a free one: 10.0.42.2, 10.0.42.8, 10.0.42.9, 10.0.42.10, 10.0.42.11.",
    ],
    [
      ["machines", "pi-2", "address"],
      "10.0.42.254",
      "lab.machines.pi-2.address: 10.0.42.254 is the gateway's, which has the last address where switch.gateway names no other. Choose a free one: 10.0.42.2, 10.0.42.8, 10.0.42.9, 10.0.42.10, 10.0.42.11.",
    ],
    [
      ["machines", "pi-2", "address"],
      "10.0.42.02",
      "lab.machines.pi-2.address: 10.0.42.02 is not an IPv4 address. Write four numbers from 0 to 255 with dots between, without leading zeros, e.g. 10.0.42.1.",
    ],
    [
      ["machines", "pi-2", "board"],
      "pi-4b",
      "lab.machines.pi-2.board: pi-4b is not a board in the catalogue. Known: pi-4b-2gb, pi-4b-4gb, pi-4b-8gb, pi-5-2gb, pi-5-4gb, pi-5-8gb, pi-5-16gb.",
    ],
    [
      ["machines", "pi-2", "board"],
      "beaglebone",
      "lab.machines.pi-2.board: beaglebone is not a board in the catalogue. Known: pi-4b-2gb, pi-4b-4gb, pi-4b-8gb, pi-5-2gb, pi-5-4gb, pi-5-8gb, pi-5-16gb.",
    ],
    [
      ["machines", "pi-2", "hostKey"],
      undefined,
      "lab.machines.pi-2.hostKey: is missing, and broker-2 is on this machine. Gather the keys with `npm run host-keys`, compare them with what the Pis show, and copy them here.",
    ],
    [
      ["machines", "pi-2", "hostKey"],
      hostKey(1),
      "lab.machines.pi-2.hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQE… is the key of pi-1 too: their cards are copies of one card. Make new keys on one of them (`sudo rm /etc/ssh/ssh_host_*_key*; sudo ssh-keygen -A`, then a reboot) and gather them with `npm run host-keys`.",
    ],
    [
      ["machines", "pi-2", "hostKey"],
      hostKey(2).slice(0, -4),
      "lab.machines.pi-2.hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgI… is not a whole Ed25519 key. Gather the keys again with `npm run host-keys` and copy the whole line.",
    ],
    [
      ["machines", "pi-2", "hostKey"],
      "ssh-rsa AAAAB3NzaC1yc2E",
      "lab.machines.pi-2.hostKey: ssh-rsa AAAAB3NzaC1yc2E is not an Ed25519 key (`ssh-ed25519 AAAA…`). Gather the keys again with `npm run host-keys` and copy the whole line.",
    ],
    [
      ["machines", "pi-2", "hostKey"],
      `10.0.42.2 ${hostKey(2)}`,
      "lab.machines.pi-2.hostKey: 10.0.42.2 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICA… has 10.0.42.2 before the key, as lines of known_hosts have. Write the part from ssh-ed25519 on.",
    ],
    [
      ["machines", "pi-2", "hostKey"],
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
      "lab.machines.pi-2.hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 is not a whole Ed25519 key. Gather the keys again with `npm run host-keys` and copy the whole line.",
    ],
    [
      ["machines", "Pi_9"],
      { board: "pi-4b-8gb", address: "10.0.42.9" },
      "lab.machines.Pi_9: is not a legal name: it does not begin with a small letter. Write pi-9, say.",
    ],
  ],
  hosts: [
    [
      ["hosts", "Broker-1"],
      { role: "host", machine: "pi-7", port: 7 },
      "lab.hosts.Broker-1: is not a legal name: it does not begin with a small letter, and so comes too near to broker-1. Choose another.",
    ],
    [
      ["hosts", "7"],
      { role: "host", machine: "pi-7", port: 7 },
      "lab.hosts.7: is not a legal name: it does not begin with a small letter. Choose another.",
    ],
    [
      ["hosts", "localhost"],
      { role: "host", machine: "pi-7", port: 7 },
      "lab.hosts.localhost: is not a legal name: it means the machine itself on every machine. Choose another.",
    ],
    [
      ["hosts", "<nil>"],
      { role: "host", machine: "pi-7", port: 7 },
      'lab.hosts["<nil>"]: is what YAML makes of ~ or null. Put quotes around the name, or choose another.',
    ],
    [
      ["hosts", "broker-2", "role"],
      "brokers",
      "lab.hosts.broker-2.role: brokers is not a role. Did you mean broker? Known: broker, controller, client, host.",
    ],
    [
      ["hosts", "broker-2", "role"],
      undefined,
      "lab.hosts.broker-2.role: is missing. Give the host's role: broker, controller, client or host.",
    ],
    [
      ["hosts", "broker-2", "machine"],
      "pi-77",
      "lab.hosts.broker-2.machine: pi-77 is not in machines. Did you mean pi-7? Free machines: pi-2, pi-7.",
    ],
    [
      ["hosts", "broker-2", "machine"],
      "pi-1",
      "lab.hosts.broker-2.machine: pi-1 is taken by broker-1. Free machines: pi-2, pi-7.",
    ],
    [
      ["hosts", "broker-2", "formerNames"],
      ["broker-3"],
      "lab.hosts.broker-2.formerNames[0]: broker-3 is a host of the lab. Leave it out; or, if two hosts trade names, rename one, run `up`, and then rename the other.",
    ],
    [
      ["hosts", "broker-2", "formerNames"],
      ["kafka-2", "broker-2"],
      "lab.hosts.broker-2.formerNames[1]: broker-2 is the name that the host has. Leave it out.",
    ],
    [
      ["hosts", "client-1", "formerNames"],
      ["ring-1", "ring-1"],
      "lab.hosts.client-1.formerNames[1]: ring-1 stands here twice. Leave it out of one of the two.",
    ],
    [
      ["hosts", "broker-2", "formerNames"],
      ["Kafka 2"],
      "lab.hosts.broker-2.formerNames[0]: Kafka 2 was no host's name: it does not begin with a small letter. Write the name as it stood in the configuration.",
    ],
    [
      ["hosts", "broker-2", "formerNames"],
      [2],
      'lab.hosts.broker-2.formerNames[0]: 2 is read by YAML as a number, not as text. Put quotes around a name that the host had, e.g. "broker-3".',
    ],
    [
      ["hosts", "broker-2", "formerNames"],
      "kafka-2",
      "lab.hosts.broker-2.formerNames: kafka-2 is text, not a list. Write it in brackets, with commas between: [first, second].",
    ],
    [
      ["hosts", "broker-2", "port"],
      1,
      "lab.hosts.broker-2.port: 1 is taken by broker-1; the SW-008 has ports 1 to 8. Choose a free one: 2, 7, 8.",
    ],
    [
      ["hosts", "broker-2", "port"],
      9,
      "lab.hosts.broker-2.port: 9 is not a port of the switch; the SW-008 has ports 1 to 8. Choose a free one: 2, 7, 8.",
    ],
    [
      ["hosts", "broker-2", "port"],
      "2",
      'lab.hosts.broker-2.port: "2" is text, not a number. Remove the quotes: 2.',
    ],
    [
      ["hosts", "broker-2", "port"],
      2.5,
      "lab.hosts.broker-2.port: 2.5 is out of range: the port of the switch is a whole number of at least 1. Give one, e.g. 1.",
    ],
    [
      ["hosts", "broker-2", "nodeId"],
      1,
      "lab.hosts.broker-2.nodeId: 1 is taken by broker-1; each broker and each controller has a node id of its own. Choose a free one: 2, 4.",
    ],
    [
      ["hosts", "broker-2", "nodeId"],
      0,
      "lab.hosts.broker-2.nodeId: 0 is out of range: the Kafka node's id is a whole number from 1 to 2147483647. Give one, e.g. 1.",
    ],
    [
      ["hosts", "broker-2", "nodeId"],
      undefined,
      "lab.hosts.broker-2.nodeId: is missing. Give the Kafka node's id, e.g. 1.",
    ],
    [
      ["hosts", "broker-2", "heapMib"],
      6000,
      "lab.hosts.broker-2.heapMib: 6000 MiB is more than the board has to spare: of a pi-4b-8gb's 8192 MiB the system takes 512, the page cache 2048, the JVM beside its heap 854. Give at most 4778, or a larger board.",
    ],
    [
      ["hosts", "client-1", "topic"],
      "rad",
      "lab.hosts.client-1.topic: rad is not in topics. Did you mean red? Topics: green, red.",
    ],
    [
      ["hosts", "client-1", "topic"],
      true,
      'lab.hosts.client-1.topic: true is read by YAML as a truth value, not as text. Put quotes around the topic that the client produces on, e.g. "red".',
    ],
    [
      ["hosts", "client-1", "nodeId"],
      4,
      "lab.hosts.client-1.nodeId: is a key of hosts with the role broker or controller. Keys here: formerNames, machine, port, role, topic.",
    ],
    [
      ["hosts", "broker-3", "processRoles"],
      ["broker"],
      "lab.hosts: 2 controllers (broker-1, broker-2) are a quorum only while both run: neither could ever be restarted or replaced. Have 1 or 3. A host of the role controller is a controller alone; `processRoles: [broker]` makes a broker that is none.",
    ],
    [
      ["hosts", "broker-3", "processRoles"],
      ["controller"],
      'lab.hosts.broker-3.processRoles: ["controller"] leaves broker out, and the host\'s role is broker. Give a host that is a controller alone the role controller, and no processRoles. Write [broker, controller], which is the default, or [broker].',
    ],
    [
      ["hosts", "broker-3", "processRoles"],
      ["broker", "controler"],
      'lab.hosts.broker-3.processRoles: ["broker","controler"] has "controler", which is not a role of Kafka\'s processes. Did you mean controller? Write [broker, controller], which is the default, or [broker].',
    ],
    [
      ["hosts", "broker-3", "processRoles"],
      ["broker", "broker"],
      'lab.hosts.broker-3.processRoles: ["broker","broker"] names a role twice. Write [broker, controller], which is the default, or [broker].',
    ],
    [
      ["hosts", "broker-3", "processRoles"],
      [],
      "lab.hosts.broker-3.processRoles: [] is an empty list. Write [broker, controller], which is the default, or [broker].",
    ],
    [
      ["hosts", "broker-3", "processRoles"],
      "broker",
      "lab.hosts.broker-3.processRoles: broker is text, not a list. Write [broker, controller], which is the default, or [broker].",
    ],
    [
      ["hosts", "desk-1"],
      { role: "controller", machine: "pi-6", port: 6, nodeId: 6, processRoles: ["controller"] },
      "lab.hosts.desk-1.processRoles: is a key of hosts with the role broker. Keys here: disk, formerNames, heapMib, machine, nodeId, port, role, settings.",
    ],
    [
      ["hosts", "desk-1"],
      { role: "controller", machine: "pi-6", port: 6, nodeId: 3 },
      "lab.hosts.desk-1.nodeId: 3 is taken by broker-3; each broker and each controller has a node id of its own. Choose a free one: 4, 5.",
    ],
    [
      ["hosts", "desk-1"],
      { role: "controller", machine: "pi-6", port: 6, nodeId: 6, heapMib: 6000 },
      "lab.hosts.desk-1.heapMib: 6000 MiB is more than the board has to spare: of a pi-4b-8gb's 8192 MiB the system takes 512, the page cache 2048, the JVM beside its heap 854. Give at most 4778, or a larger board.",
    ],
    [
      ["hosts", "desk-1"],
      {
        role: "controller",
        machine: "pi-6",
        port: 6,
        nodeId: 6,
        settings: { "process.roles": "broker" },
      },
      'lab.hosts.desk-1.settings["process.roles"]: broker is not to be set here: hosts.*.role (and hosts.*.processRoles of brokers) governs it. Remove the line.',
    ],
    [
      ["hosts", "broker-2", "settings"],
      { "log.segment.bytes": "1024" },
      'lab.hosts.broker-2.settings["log.segment.bytes"]: 1024 is not what Kafka takes. Give a whole number of at least 1048576.',
    ],
  ],
  "the cluster": [
    [
      ["cluster", "heapMib"],
      64,
      "lab.cluster.heapMib: 64 is out of range: the JVM's heap is a whole number from 256 to 1048576 MiB. Give one, e.g. 1024.",
    ],
    [
      ["cluster", "replicationFactor"],
      4,
      "lab.cluster.replicationFactor: 4 is more than there are brokers: 3. Give at most 3, or add brokers. The default is 3.",
    ],
    [
      ["cluster", "minInsyncReplicas"],
      4,
      "lab.cluster.minInsyncReplicas: 4 is more than the replication factor of 3: no write with acks=all could ever succeed. Give at most 3; one less than the replication factor lets a broker fail. The default is 2.",
    ],
    [
      ["cluster", "kafkaVersion"],
      4.1,
      'lab.cluster.kafkaVersion: 4.1 is read by YAML as a number, not as text. Put quotes around the version of Kafka, e.g. "4.1.1". Known: 4.1.1, 4.1.2, 4.2.0, 4.3.0, 4.4.0.',
    ],
    [
      ["cluster", "kafkaVersion"],
      "3.9.1",
      "lab.cluster.kafkaVersion: 3.9.1 is not a version that the lab runs. Known: 4.1.1, 4.1.2, 4.2.0, 4.3.0, 4.4.0.",
    ],
    [
      ["cluster", "metadataVersion"],
      4.2,
      'lab.cluster.metadataVersion: 4.2 is read by YAML as a number, not as text. Put quotes around the metadata version, e.g. "4.1". Known: 4.0, 4.0-IV0, 4.0-IV1, 4.0-IV2, 4.0-IV3, 4.1, 4.1-IV0, 4.1-IV1, 4.2, 4.2-IV0, 4.2-IV1, 4.3, 4.3-IV0, 4.4, 4.4-IV0, 4.4-IV1, 4.4-IV2.',
    ],
    [
      ["cluster", "metadataVersion"],
      "4.1-IV9",
      "lab.cluster.metadataVersion: 4.1-IV9 is not a metadata version of Kafka's. Known: 4.0, 4.0-IV0, 4.0-IV1, 4.0-IV2, 4.0-IV3, 4.1, 4.1-IV0, 4.1-IV1, 4.2, 4.2-IV0, 4.2-IV1, 4.3, 4.3-IV0, 4.4, 4.4-IV0, 4.4-IV1, 4.4-IV2.",
    ],
    [
      ["cluster", "metadataVersion"],
      "4.2",
      "lab.cluster.metadataVersion: 4.2 is newer than Kafka 4.1.1 can read: that is 4.1-IV1. Raise cluster.kafkaVersion to 4.2.0 first, or give at most 4.1-IV1.",
    ],
    [
      ["cluster", "profile"],
      "fast",
      "lab.cluster.profile: fast is not a failover profile. Did you mean fast-failover? Known: standard, fast-failover.",
    ],
    [
      ["cluster", "controllerPort"],
      9092,
      "lab.cluster.controllerPort: 9092 is cluster.clientPort too: one host cannot listen twice on a port. Choose another, e.g. 9092 for clients and 9093 for controllers.",
    ],
    [
      ["cluster", "clientPort"],
      99,
      "lab.cluster.clientPort: 99 is out of range: the clients' port is a whole number from 1024 to 65535. Give one, e.g. 9092.",
    ],
    [
      ["cluster", "settings"],
      { "log.dirs": "/data" },
      'lab.cluster.settings["log.dirs"]: /data is not to be set here: the lab\'s own layout (/var/lib/kafka/data) governs it. Remove the line.',
    ],
    [
      ["cluster", "settings"],
      { "log.retention.hour": "1" },
      'lab.cluster.settings["log.retention.hour"]: is not a setting of brokers that Kafka knows. Did you mean log.retention.hours?',
    ],
    [
      ["cluster", "settings"],
      { "retention.ms": "1" },
      'lab.cluster.settings["retention.ms"]: is a setting of topics, not of brokers. Write log.retention.ms, which is its name for brokers.',
    ],
    [
      ["cluster", "settings"],
      { "controller.quorum.fetch.timeout.ms": 500 },
      'lab.cluster.settings["controller.quorum.fetch.timeout.ms"]: 500 is too short: controllers hold a fetch for 500 ms, and with a node down would elect a new leader over and over. Give at least 1000.',
    ],
    [
      ["cluster", "settings"],
      { "cordoned.log.dirs": "/a" },
      'lab.cluster.settings["cordoned.log.dirs"]: comes with Kafka 4.3.0; this lab runs 4.1.1. Remove the line, or raise cluster.kafkaVersion.',
    ],
  ],
  topics: [
    [
      ["topics", "a b"],
      {},
      'lab.topics["a b"]: has characters that Kafka does not take: topics are letters, digits, `.`, `_` and `-`. Choose another name.',
    ],
    [
      ["topics", ".."],
      {},
      'lab.topics[".."]: cannot be a topic: it names a folder. Choose another name.',
    ],
    [
      ["topics", "__consumer_offsets"],
      {},
      "lab.topics.__consumer_offsets: begins with `__`, as Kafka's own topics do. Choose another name.",
    ],
    [
      ["topics", "<nil>"],
      {},
      'lab.topics["<nil>"]: is what YAML makes of ~ or null. Put quotes around the name, or choose another.',
    ],
    [
      ["topics", "red", "partitions"],
      0,
      "lab.topics.red.partitions: 0 is out of range: the number of partitions is a whole number from 1 to 10000. Give one, e.g. 1.",
    ],
    [
      ["topics", "red", "replicationFactor"],
      4,
      "lab.topics.red.replicationFactor: 4 is more than there are brokers: 3. Give at most 3, or leave it out to have the cluster's.",
    ],
    [
      ["topics", "red", "replicationFactor"],
      1,
      'lab.topics.red.replicationFactor: 1 is less than cluster.minInsyncReplicas, 2: no write with acks=all could ever succeed. Raise it, or give the topic `min.insync.replicas: "1"` under config.',
    ],
    [
      ["topics", "red", "deletionProtection"],
      "false",
      'lab.topics.red.deletionProtection: "false" is text, not a truth value. Remove the quotes: false.',
    ],
    [
      ["topics", "red", "config"],
      { "retention.mss": "1" },
      'lab.topics.red.config["retention.mss"]: is not a setting of topics that Kafka knows. Did you mean retention.ms?',
    ],
    [
      ["topics", "red", "config"],
      { "log.retention.ms": "1" },
      'lab.topics.red.config["log.retention.ms"]: is a setting of brokers, not of topics. Write retention.ms, which is its name for topics.',
    ],
    [
      ["topics", "red", "config"],
      { "segment.bytes": "1000" },
      'lab.topics.red.config["segment.bytes"]: 1000 is not what Kafka takes. Give a whole number of at least 1048576.',
    ],
    [
      ["topics", "red", "config"],
      { "cleanup.policy": "compat" },
      'lab.topics.red.config["cleanup.policy"]: compat is not what Kafka takes. Give one or more of compact, delete, with commas between.',
    ],
    [
      ["topics", "red", "config"],
      { "min.insync.replicas": "4" },
      'lab.topics.red.config["min.insync.replicas"]: 4 is more than the topic\'s replication factor of 3: no write with acks=all could ever succeed. Give at most 3.',
    ],
    [
      ["topics", "red", "config"],
      { "leader.replication.throttled.replicas": "*" },
      'lab.topics.red.config["leader.replication.throttled.replicas"]: * belongs to a reassignment under way, which sets and removes it. Remove the line.',
    ],
    [
      ["topics", "red", "config"],
      { "remote.storage.enable": true },
      'lab.topics.red.config["remote.storage.enable"]: true needs a plugin for remote storage, and the lab\'s brokers have none. Remove the line.',
    ],
    [
      ["topics", "red", "config"],
      { "min.compaction.lag.ms": 10, "max.compaction.lag.ms": 5 },
      'lab.topics.red.config["min.compaction.lag.ms"]: 10 is more than max.compaction.lag.ms, 5. Give at most 5.',
    ],
    [
      ["topics", "red", "config"],
      { retention: { ms: 5 } },
      'lab.topics.red.config.retention: {"ms":5} is a mapping. Kafka\'s settings are flat: write the whole key with its dots.',
    ],
    [
      ["topics", "red", "config", "retention.ms"],
      null,
      'lab.topics.red.config["retention.ms"]: is empty. Give a value, or leave the key out to have Kafka\'s default.',
    ],
    [
      ["topics", "red", "partition"],
      4,
      "lab.topics.red.partition: is not a known key. Did you mean partitions? Keys here: config, deletionProtection, partitions, placement, replicationFactor.",
    ],
  ],
};

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);

describe.each(Object.entries(mistakes))("a mistake in %s", (_, rows) => {
  it.each(rows)("%j: %j", (path, value, line) => {
    expect(told(change(physicalConfig(), path, value))).toEqual([line]);
  });
});

describe("mistakes with more than one line", () => {
  it("names each broker whose board is too small for the cluster's heap", () => {
    const config = change(physicalConfig(), ["machines", "pi-3", "board"], "pi-4b-2gb");
    expect(told(change(config, ["cluster", "heapMib"], 4800))).toEqual([
      "lab.hosts.broker-1.heapMib: 4800 MiB (from cluster.heapMib) is more than the board has to spare: of a pi-4b-8gb's 8192 MiB the system takes 512, the page cache 2048, the JVM beside its heap 854. Give at most 4778, or a larger board.",
      "lab.hosts.broker-3.heapMib: 4800 MiB (from cluster.heapMib) is more than the board has to spare: of a pi-4b-2gb's 2048 MiB the system takes 512, the page cache 512, the JVM beside its heap 342. Give at most 682, or a larger board.",
    ]);
  });

  it("counts the programs that run beside a broker", () => {
    const config = change(physicalConfig(), ["mqtt"], { host: "broker-1" });
    change(config, ["telemetry"], {});
    change(config, ["bridge"], { routes: [{ from: "a/#", topic: "red" }] });
    change(config, ["hosts", "broker-1", "heapMib"], 4700);
    expect(told(config)).toEqual([
      "lab.hosts.broker-1.heapMib: 4700 MiB is more than the board has to spare: of a pi-4b-8gb's 8192 MiB the system takes 512, programs beside Kafka 256, the page cache 2048, the JVM beside its heap 825. Give at most 4551, or a larger board.",
    ]);
  });

  it("says that the default heap is one", () => {
    expect(told(change(physicalConfig(), ["machines", "pi-3", "board"], "pi-5-2gb"))).toEqual([
      expect.stringContaining("lab.hosts.broker-3.heapMib: 1024 MiB (the default) is more than"),
    ]);
  });

  it("counts the hosts against the ports", () => {
    const config = physicalConfig();
    for (let n = 7; n <= 9; n++) {
      const machine = { board: "pi-5-8gb", address: `10.0.42.${n}`, hostKey: hostKey(n) };
      change(config, ["machines", `pi-${n}`], machine);
      change(config, ["hosts", `desk-${n}`], { role: "host", machine: `pi-${n}`, port: n });
    }
    expect(told(config)).toEqual([
      "lab.hosts: 9 hosts are more than the SW-008 has ports: 8. Remove 1 of them, or take a larger switch.",
      "lab.hosts.desk-9.port: 9 is not a port of the switch; the SW-008 has ports 1 to 8. All ports are taken: remove a host, or take a larger switch.",
    ]);
  });

  it("wants a broker", () => {
    const config = change(physicalConfig(), ["hosts"], {
      "desk-1": { role: "host", machine: "pi-6", port: 6 },
    });
    expect(told(change(config, ["clock"], undefined))).toEqual([
      "lab.hosts: has no host with the role broker. Give at least one the role broker; three outlive the loss of one.",
    ]);
  });

  it.each([
    ["a.b", "a_b"],
    ["a_b.c", "a.b_c"],
  ])("lets no two topics differ by `.` and `_` alone: %s, %s", (first, second) => {
    const config = change(physicalConfig(), ["topics", first], {});
    expect(told(change(config, ["topics", second], {}))).toEqual([
      expect.stringMatching(/^lab\.topics.*: collides with a.b.*Rename one of them/),
    ]);
  });

  it("takes a topic's name of 249 characters, and not of 250", () => {
    const named = (length: number) =>
      told(change(physicalConfig(), ["topics", "x".repeat(length)], {}));
    expect(named(249)).toEqual([]);
    expect(named(250)).toEqual([
      expect.stringMatching(
        /: has 250 characters; Kafka takes at most 249\. Choose another name\.$/,
      ),
    ]);
  });

  it("asks for the keys of machines that are used, not of spares", () => {
    const config = change(physicalConfig(), ["machines", "pi-7", "hostKey"], undefined);
    expect(told(config)).toEqual([]);
    expect(told(change(config, ["hosts", "broker-1", "machine"], "pi-7"))).toEqual([
      expect.stringMatching(/^lab\.machines\.pi-7\.hostKey: is missing, and broker-1 is on/),
    ]);
  });

  it("does not guess how many brokers there are while a role is unknown", () => {
    const config = change(physicalConfig(), ["hosts", "broker-3", "role"], "borker");
    expect(told(config)).toEqual([
      "lab.hosts.broker-3.role: borker is not a role. Did you mean broker? Known: broker, controller, client, host.",
    ]);
  });

  describe("who votes in the quorum", () => {
    const roles = (...processRoles: (string[] | undefined)[]) =>
      processRoles.reduce(
        (config, value, i) => change(config, ["hosts", `broker-${i + 1}`, "processRoles"], value),
        physicalConfig(),
      );
    const controller = { role: "controller", machine: "pi-6", port: 6, nodeId: 6 };

    it("is somebody: brokers alone are no cluster", () => {
      expect(told(roles(["broker"], ["broker"], ["broker"]))).toEqual([
        "lab.hosts: has no controller: broker-1, broker-2, broker-3 are to be nothing but a broker. Give at least one host the role controller, or leave processRoles out on a broker; three controllers outlive the loss of one.",
      ]);
    });

    it("may be one controller alone, combined nodes beside others, or an even number of them", () => {
      const split = roles(["broker"], ["broker"], ["broker"]);
      expect(told(change(split, ["hosts", "desk-1"], controller))).toEqual([]);
      expect(told(roles(["controller", "broker"], ["broker"], ["broker"]))).toEqual([]);
      expect(told(change(roles(), ["hosts", "desk-1"], controller))).toEqual([]);
    });

    it("does not add to the brokers that a replication factor needs", () => {
      const config = change(roles(), ["hosts", "desk-1"], controller);
      expect(told(change(config, ["cluster", "replicationFactor"], 4))).toEqual([
        expect.stringContaining("4 is more than there are brokers: 3."),
      ]);
    });
  });

  it("lets no two hosts claim one former name", () => {
    const config = change(physicalConfig(), ["hosts", "broker-1", "formerNames"], ["kafka"]);
    expect(told(config)).toEqual([]);
    expect(told(change(config, ["hosts", "broker-2", "formerNames"], ["kafka"]))).toEqual([
      "lab.hosts.broker-2.formerNames[0]: kafka is a former name of broker-1 too. Leave it out of one of the two.",
    ]);
  });

  it("takes a setting that a later version brought, for that version", () => {
    const config = change(physicalConfig(), ["cluster", "settings"], {
      "controller.quorum.fetch.max.bytes": "1048576",
    });
    expect(told(config)).toEqual([expect.stringContaining("comes with Kafka 4.3.0")]);
    expect(told(change(config, ["cluster", "kafkaVersion"], "4.3.0"))).toEqual([]);
    expect(told(change(config, ["cluster", "kafkaVersion"], "4.4.0"))).toEqual([]);
  });

  it("lets a topic want fewer in-sync replicas than the cluster does", () => {
    const config = change(physicalConfig(), ["topics", "red"], {
      replicationFactor: 1,
      config: { "min.insync.replicas": 1 },
    });
    expect(told(config)).toEqual([]);
  });
});

describe("the client ring", () => {
  it("has no use where there is no client", () => {
    const config = change(physicalConfig(), ["ring"], { alertsPerMinute: 0 });
    expect(told(config)).toEqual([]);
    for (const name of ["client-1", "client-2"]) change(config, ["hosts", name], undefined);
    expect(told(config)).toEqual([
      "lab.ring: there is no client in the lab that would be in it. Give hosts the role client, or remove ring.",
    ]);
  });

  it("may have small messages on topics that are no client's", () => {
    const config = change(physicalConfig(), ["topics", "other"], {
      config: { "max.message.bytes": "500" },
    });
    expect(told(config)).toEqual([]);
  });
});

describe("a virtual lab", () => {
  it.each<Mistake>([
    [
      ["machines", "pi-1", "hostKey"],
      hostKey(1),
      "lab.machines.pi-1.hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQE… is pinned, but a virtual Pi gets its key when it is made. Leave hostKey out.",
    ],
    [
      ["ssh", "privateKeyPath"],
      undefined,
      "lab.ssh.privateKeyPath: is missing: virtual Pis are made with the public half of this key. `npm run lab` makes one; or name a key made by `ssh-keygen -t ed25519`.",
    ],
    [
      ["ssh", "user"],
      "lab",
      "lab.ssh.user: lab is not a user of pi-lab/virtual-pi:bookworm-1, which has pi. Leave it out, or name an image of your own that has it under virtual.image.",
    ],
    [
      ["ssh", "port"],
      2222,
      "lab.ssh.port: 2222 is not where sshd listens in pi-lab/virtual-pi:bookworm-1: that is 22. Leave it out, or name an image of your own that has it under virtual.image.",
    ],
    [
      ["virtual", "image"],
      "Bad Image",
      "lab.virtual.image: Bad Image is not the name of an image. Give the image of a virtual Pi, e.g. pi-lab/virtual-pi:bookworm-1.",
    ],
    [
      ["virtual"],
      true,
      "lab.virtual: true is a truth value, not a mapping. Write its keys below it; docs/configuration.md lists them.",
    ],
  ])("%j: %j", (path, value, line) => {
    expect(told(change(virtualConfig(), path, value))).toEqual([line]);
  });

  it("may log in otherwise to an image of its user's own", () => {
    const config = change(virtualConfig(), ["virtual"], { image: "registry.local:5000/pi:1" });
    change(config, ["ssh"], { user: "lab", port: 2222, privateKeyPath: "key" });
    expect(told(config)).toEqual([]);
  });
});
