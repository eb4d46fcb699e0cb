// ts-mls behind JSON lines: one request a line on stdin, one answer a line on stdout, binary as hex.
//
// Each request names a client ("who") and what it should do; a client has one signature key, one group, the private parts of all key
// packages that it made, and its external PSKs by id. The answer holds the processor time of the operation alone, in microseconds.
//
// Faults of ts-mls that are mended here: it makes ECDSA keys with compressed points (RFC 9420 §5.1.1 has uncompressed ones), and writes and
// reads the key in external_pub without its length (§12.4.3.2). Left as they are: it sends no path with group context extensions (§17.4),
// and knows but one external sender, outside of a list (§12.1.8.1).

import { createInterface } from "node:readline";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import * as mls from "ts-mls";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";

const clients = new Map();
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const raw = (text) => new Uint8Array(Buffer.from(text ?? "", "hex"));
const id64 = (bytes) => Buffer.from(bytes).toString("base64");
const suiteName = (number) => Object.entries(mls.ciphersuites).find(([, value]) => value === number)[0];
const suite = (number) => mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(suiteName(number)));
const message = (wireformat, field, value) => hex(mls.encodeMlsMessage({ version: "mls10", wireformat, [field]: value }));
const read = (text) => {
  const decoded = mls.decodeMlsMessage(raw(text), 0);
  if (decoded === undefined) throw new Error("no MLSMessage");
  return decoded[0];
};
const keyPackage = (text) => read(text).keyPackage;
const tree = (text) => text && decodeRatchetTree(raw(text), 0)[0];
const psks = (client) => mls.makePskIndex(client.state, client.psks);
const capabilities = { versions: ["mls10"], ciphersuites: [1, 2, 3, 5, 7].map(suiteName), extensions: [], proposals: [], credentials: ["basic"] };

function committed(client, result, also = {}) {
  client.state = result.newState;
  return {
    commit: hex(mls.encodeMlsMessage(result.commit)),
    welcome: result.welcome && message("mls_welcome", "welcome", result.welcome),
    ...also,
  };
}

const lengthOf = (key) => (key.length < 64 ? [key.length] : [0x40 | (key.length >> 8), key.length & 0xff]);
const withLength = (cs) => ({
  ...cs,
  hpke: { ...cs.hpke, exportPublicKey: async (key) => cs.hpke.exportPublicKey(key).then((raw) => new Uint8Array([...lengthOf(raw), ...raw])) },
});
const withoutLength = (cs) => ({
  ...cs,
  hpke: { ...cs.hpke, importPublicKey: (raw) => cs.hpke.importPublicKey([33, 67, 99, 135].includes(raw.length) ? raw.slice(raw.length < 64 ? 1 : 2) : raw) },
});

async function signatureKeys(cs, number) {
  const made = await cs.signature.keygen();
  const curve = { 2: p256, 5: p521, 7: p384 }[number];
  return curve ? { signKey: made.signKey, publicKey: curve.getPublicKey(made.signKey, false) } : made;
}

async function bundle(client, given) {
  const number = given ?? client.suite;
  const cs = await suite(number);
  const lifetime = { notBefore: 0n, notAfter: 2n ** 62n };
  const credential = { credentialType: "basic", identity: client.identity };
  client.keys ??= {};
  client.keys[number] ??= await signatureKeys(cs, number);
  const made = await mls.generateKeyPackageWithKey(credential, client.grease ? mls.defaultCapabilities() : capabilities, lifetime, [], client.keys[number], cs);
  client.bundle = made;
  return made;
}

function proposal(client, given) {
  const kinds = {
    add: () => ({ proposalType: "add", add: { keyPackage: keyPackage(given.key_package) } }),
    remove: () => ({ proposalType: "remove", remove: { removed: given.leaf } }),
    psk: () => ({
      proposalType: "psk",
      psk: { preSharedKeyId: { psktype: "external", pskId: raw(given.psk_id), pskNonce: client.cs.rng.randomBytes(client.cs.kdf.size) } },
    }),
    resumption: () => ({
      proposalType: "psk",
      psk: {
        preSharedKeyId: {
          psktype: "resumption",
          usage: "application",
          pskGroupId: client.state.groupContext.groupId,
          pskEpoch: BigInt(given.epoch),
          pskNonce: client.cs.rng.randomBytes(client.cs.kdf.size),
        },
      },
    }),
    extensions: () => ({
      proposalType: "group_context_extensions",
      groupContextExtensions: { extensions: given.extensions.map(([extensionType, data]) => ({ extensionType, extensionData: raw(data) })) },
    }),
  };
  return kinds[given.kind]();
}

const operations = {
  async client(_, { who, suite: number, identity, grease }) {
    const client = { suite: number, cs: await suite(number), identity: raw(identity), psks: {}, grease };
    clients.set(who, client);
    return {};
  },
  async key_package(client, { suite: number }) {
    const made = await bundle(client, number);
    return { key_package: message("mls_key_package", "keyPackage", made.publicPackage) };
  },
  async psk(client, { psk_id, psk }) {
    client.psks[id64(raw(psk_id))] = raw(psk);
    return {};
  },
  async create(client, { group_id }) {
    const { publicPackage, privatePackage } = await bundle(client);
    client.state = await mls.createGroup(raw(group_id), publicPackage, privatePackage, [], client.cs);
    return {};
  },
  async join(client, { welcome, ratchet_tree }) {
    const { publicPackage, privatePackage } = client.bundle;
    const index = mls.makePskIndex(undefined, client.psks);
    client.state = await mls.joinGroup(read(welcome).welcome, publicPackage, privatePackage, index, client.cs, tree(ratchet_tree));
    return {};
  },
  async external_join(client, { group_info, resync }) {
    const { publicPackage, privatePackage } = await bundle(client);
    const made = await mls.joinGroupExternal(
      read(group_info).groupInfo,
      publicPackage,
      privatePackage,
      Boolean(resync),
      withoutLength(client.cs),
    );
    client.state = made.newState;
    return { commit: message("mls_public_message", "publicMessage", made.publicMessage) };
  },
  async commit(client, { proposals = [], public: wireAsPublicMessage = false }) {
    const options = { wireAsPublicMessage, extraProposals: proposals.map((given) => proposal(client, given)), ratchetTreeExtension: true };
    return committed(client, await mls.createCommit({ state: client.state, cipherSuite: client.cs, pskIndex: psks(client) }, options));
  },
  async propose(client, { proposal: given, public: wireAsPublicMessage = false }) {
    const made = await mls.createProposal(client.state, wireAsPublicMessage, proposal(client, given), client.cs);
    client.state = made.newState;
    return { message: hex(mls.encodeMlsMessage(made.message)) };
  },
  async propose_self_add(client, { group_info }) {
    const { publicPackage, privatePackage } = await bundle(client);
    const made = await mls.proposeAddExternal(read(group_info).groupInfo, publicPackage, privatePackage, client.cs);
    return { message: hex(mls.encodeMlsMessage(made)) };
  },
  async process(client, { message: text }) {
    const given = read(text);
    const result = await (given.wireformat === "mls_public_message"
      ? mls.processPublicMessage(client.state, given.publicMessage, psks(client), client.cs)
      : mls.processPrivateMessage(client.state, given.privateMessage, psks(client), client.cs));
    client.state = result.newState;
    return result.kind === "applicationMessage" ? { data: hex(result.message) } : {};
  },
  async encrypt(client, { data }) {
    const made = await mls.createApplicationMessage(client.state, raw(data), client.cs);
    client.state = made.newState;
    return { message: message("mls_private_message", "privateMessage", made.privateMessage) };
  },
  async state(client) {
    const { groupContext, keySchedule, groupActiveState, privatePath } = client.state;
    return {
      epoch: Number(groupContext.epoch),
      group_id: hex(groupContext.groupId),
      authenticator: hex(keySchedule.epochAuthenticator),
      leaf: privatePath.leafIndex,
      standing: groupActiveState.kind,
    };
  },
  async exported(client, { label, context, length }) {
    return { secret: hex(await mls.mlsExporter(client.state.keySchedule.exporterSecret, label, raw(context), length, client.cs)) };
  },
  async group_info(client) {
    const made = await mls.createGroupInfoWithExternalPubAndRatchetTree(client.state, [], withLength(client.cs));
    return { group_info: message("mls_group_info", "groupInfo", made) };
  },
  async reinit(client, { group_id, suite: number }) {
    return committed(client, await mls.reinitGroup(client.state, raw(group_id), "mls10", suiteName(number), [], client.cs));
  },
  async reinit_create(client, { members }) {
    const { reinit } = client.state.groupActiveState;
    const number = mls.ciphersuites[reinit.cipherSuite];
    const { publicPackage, privatePackage } = await bundle(client, number);
    const packages = members.map(keyPackage);
    const made = await mls.reinitCreateNewGroup(client.state, publicPackage, privatePackage, packages, reinit.groupId, reinit.cipherSuite, reinit.extensions);
    client.cs = await suite(number);
    client.suite = number;
    return committed(client, made, { ratchet_tree: hex(encodeRatchetTree(made.newState.ratchetTree)) });
  },
  async resume(client, { welcome, ratchet_tree, kind }) {
    const { publicPackage, privatePackage } = client.bundle;
    const { joinGroupFromReinit: reinit, joinGroupFromBranch } = mls;
    const branch = (...given) => joinGroupFromBranch(...given, client.cs);
    const how = kind === "reinit" ? reinit : branch;
    client.state = await how(client.state, read(welcome).welcome, publicPackage, privatePackage, tree(ratchet_tree));
    client.suite = mls.ciphersuites[client.state.groupContext.cipherSuite];
    client.cs = await suite(client.suite);
    return {};
  },
  async branch(client, { group_id, members }) {
    const { publicPackage, privatePackage } = await bundle(client);
    const made = await mls.branchGroup(client.state, publicPackage, privatePackage, members.map(keyPackage), raw(group_id), client.cs);
    return committed(client, made, { ratchet_tree: hex(encodeRatchetTree(made.newState.ratchetTree)) });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...given } = JSON.parse(line);
  const before = process.cpuUsage();
  let answer;
  try {
    answer = await operations[name](clients.get(given.who), given);
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(JSON.stringify({ ...answer, cpu_us: user + system }) + "\n");
}
