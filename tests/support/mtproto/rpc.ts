/** Answers to the service messages of MTProto and to the few API calls that a client makes before it logs in. */
import { gunzipSync } from "node:zlib";
import type { ClientMessage } from "./session.ts";
import { TlReader, TlWriter, vectorId } from "./tl.ts";

const id = {
  container: 0x73f1f8dc,
  gzipPacked: 0x3072cfa1,
  msgsAck: 0x62d6b459,
  ping: 0x7abe77ec,
  pingDelayDisconnect: 0xf3427b8c,
  pong: 0x347773c5,
  getFutureSalts: 0xb921bd04,
  futureSalts: 0xae500895,
  msgsStateReq: 0xda69fb52,
  msgsStateInfo: 0x04deb57d,
  msgsAllInfo: 0x8cc0d131,
  httpWait: 0x9299359f,
  destroySession: 0xe7512126,
  destroySessionOk: 0xe22045fc,
  rpcDropAnswer: 0x58e4a740,
  rpcAnswerUnknown: 0x5e2ad36e,
  rpcResult: 0xf35c6d01,
  rpcError: 0x2144ca19,
  invokeWithLayer: 0xda9b0d0d,
  invokeWithoutUpdates: 0xbf9459b7,
  invokeAfterMsg: 0xcb9f372d,
  initConnection: 0xc1cd5ea9,
  inputClientProxy: 0x75588b3f,
  getConfig: 0xc4f9186b,
  config: 0xcc1a241e,
  dcOption: 0x18b7a10d,
  getNearestDc: 0x1fb33026,
  nearestDc: 0x8e1a1775,
} as const;

const json = {
  nothing: 0x3f6d7b68,
  bool: 0xc7345e6a,
  number: 0x2be0dfa4,
  string: 0xb71e767a,
  array: 0xf7444763,
  object: 0x99c1d49d,
  member: 0xc0de1bd9,
} as const;

/** What the answers tell about the server. */
export interface ServerFacts {
  /** Of this data centre, positive. */
  readonly dc: number;
  /** Two letters; `help.getNearestDc` reports it. */
  readonly country: string;
  readonly nowSeconds: () => number;
}

export interface Answer {
  readonly body: Uint8Array;
  /** Whether the client must acknowledge it. */
  readonly content: boolean;
}

/** What one message of a client asked for, and the answers; calls are named as in Telegram's documentation. */
export interface Handled {
  readonly answers: readonly Answer[];
  readonly calls: readonly string[];
}

const quiet: Handled = { answers: [], calls: [] };
/** Containers do not nest; gzip inside a container does. */
const nestingLimit = 4;

/** Handles a message and, if it is a container, all that it holds. @throws {Error} If it is malformed. */
export function handleMessage(message: ClientMessage, facts: ServerFacts, depth = 0): Handled {
  if (depth > nestingLimit) throw new Error("Messages are nested too deep");
  const reader = new TlReader(message.body);
  switch (reader.uint()) {
    case id.container:
      return openContainer(message, reader, (inner) => handleMessage(inner, facts, depth + 1));
    case id.gzipPacked:
      return handleMessage({ ...message, body: gunzipSync(reader.bytes()) }, facts, depth + 1);
    default:
      return handleService(message, facts) ?? handleCall(message, facts);
  }
}

function openContainer(outer: ClientMessage, reader: TlReader, handle: (message: ClientMessage) => Handled): Handled {
  const handled = Array.from({ length: reader.uint() }, () => {
    const [messageId, sequence, length] = [reader.long(), reader.int(), reader.uint()];
    return handle({ ...outer, messageId, sequence, body: reader.raw(length) });
  });
  return { answers: handled.flatMap(({ answers }) => answers), calls: handled.flatMap(({ calls }) => calls) };
}

/** `undefined` if the message is no service message. */
function handleService(message: ClientMessage, facts: ServerFacts): Handled | undefined {
  const reader = new TlReader(message.body);
  switch (reader.uint()) {
    case id.msgsAck:
    case id.httpWait:
    case id.msgsStateInfo:
    case id.msgsAllInfo:
      return quiet;
    case id.ping:
    case id.pingDelayDisconnect:
      return answer("ping", new TlWriter().int(id.pong).long(message.messageId).long(reader.long()), false);
    case id.getFutureSalts: {
      const salts = new TlWriter().int(id.futureSalts).long(message.messageId).int(facts.nowSeconds()).int(0);
      return answer("get_future_salts", salts, false);
    }
    case id.msgsStateReq:
      return answer("msgs_state_req", messageStates(message.messageId, reader), false);
    case id.destroySession:
      return answer("destroy_session", new TlWriter().int(id.destroySessionOk).long(reader.long()), false);
    default:
      return undefined;
  }
}

/** Every message that the client asks about has come. */
function messageStates(messageId: bigint, reader: TlReader): TlWriter {
  reader.uint();
  const received = new Uint8Array(reader.uint()).fill(4);
  return new TlWriter().int(id.msgsStateInfo).long(messageId).bytes(received);
}

function handleCall(message: ClientMessage, facts: ServerFacts): Handled {
  const { name, result } = callResult(new TlReader(message.body), facts);
  return answer(name, new TlWriter().int(id.rpcResult).long(message.messageId).raw(result.end()), true);
}

function callResult(reader: TlReader, facts: ServerFacts): { name: string; result: TlWriter } {
  const constructor = unwrap(reader);
  switch (constructor) {
    case id.getNearestDc: {
      const nearest = new TlWriter().int(id.nearestDc).string(facts.country).int(facts.dc).int(facts.dc);
      return { name: "help.getNearestDc", result: nearest };
    }
    case id.getConfig:
      return { name: "help.getConfig", result: config(facts) };
    case id.rpcDropAnswer:
      return { name: "rpc_drop_answer", result: new TlWriter().int(id.rpcAnswerUnknown) };
    default:
      return {
        name: constructor.toString(16).padStart(8, "0"),
        result: new TlWriter().int(id.rpcError).int(400).string("METHOD_INVALID"),
      };
  }
}

/** Skips what wraps a call, up to the constructor of the call itself. */
function unwrap(reader: TlReader): number {
  for (let constructor = reader.uint();; constructor = reader.uint()) {
    switch (constructor) {
      case id.invokeWithLayer:
        reader.int();
        break;
      case id.invokeWithoutUpdates:
        break;
      case id.invokeAfterMsg:
        reader.long();
        break;
      case id.initConnection:
        skipInitConnection(reader);
        break;
      case id.gzipPacked:
        return unwrap(new TlReader(gunzipSync(reader.bytes())));
      default:
        return constructor;
    }
  }
}

function skipInitConnection(reader: TlReader): void {
  const flags = reader.uint();
  reader.int();
  for (let text = 0; text < 6; text++) reader.bytes();
  if (flags & 1) {
    if (reader.uint() !== id.inputClientProxy) throw new Error("initConnection holds an unknown kind of proxy");
    reader.bytes();
    reader.int();
  }
  if (flags & 2) skipJson(reader);
}

function skipJson(reader: TlReader): void {
  const constructor = reader.uint();
  if (constructor === json.nothing) return;
  else if (constructor === json.bool) reader.uint();
  else if (constructor === json.number) reader.long();
  else if (constructor === json.string) reader.bytes();
  else if (constructor === json.array || constructor === json.object) {
    reader.uint();
    for (let left = reader.uint(); left > 0; left--) {
      if (constructor === json.object && reader.uint() === json.member) reader.bytes();
      skipJson(reader);
    }
  } else throw new Error(`Unknown JSONValue ${constructor.toString(16)}`);
}

const configLifeSeconds = 3_600;

/** The numbers between the list of data centres and the names are limits that no test looks at. */
function config(facts: ServerFacts): TlWriter {
  const now = facts.nowSeconds();
  const writer = new TlWriter().int(id.config).int(0).int(now).int(now + configLifeSeconds).bool(false).int(facts.dc);
  writer.int(vectorId).int(1).int(id.dcOption).int(0).int(facts.dc).string("127.0.0.1").int(443);
  writer.string("");
  for (let limit = 0; limit < 17; limit++) writer.int(0);
  for (let timeout = 0; timeout < 4; timeout++) writer.int(10_000);
  return writer.string("https://t.me/").int(1_024).int(4_096).int(facts.dc);
}

function answer(name: string, body: TlWriter, content: boolean): Handled {
  return { answers: [{ body: body.end(), content }], calls: [name] };
}
