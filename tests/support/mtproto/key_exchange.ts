/**
 * The server's side of the key exchange, in plain messages:
 *
 * ```text
 * client  req_pq_multi            nonce
 * server  resPQ                   server nonce, a number pq, fingerprints of its RSA keys
 * client  req_DH_params           p and q; RSA(nonces, p, q, DC)
 * server  server_DH_params_ok     AES(g, prime, g^a, time)
 * client  set_client_DH_params    AES(g^b)
 * server  dh_gen_ok               hash of g^ab, the authorization key
 * ```
 */
import { concat, randomBytes } from "../byte_reader.ts";
import type { ServerKey } from "./crypto.ts";
import {
  equal,
  fromBigInt,
  igeDecrypt,
  igeEncrypt,
  nonceKey,
  powMod,
  rsaUnpad,
  sha1,
  toBigInt,
  xor,
} from "./crypto.ts";
import { TlReader, TlWriter, vectorId } from "./tl.ts";

const id = {
  reqPq: 0x60469778,
  reqPqMulti: 0xbe7e8ef1,
  resPq: 0x05162463,
  reqDhParams: 0xd712e4be,
  pqInnerData: 0x83c95aec,
  pqInnerDataDc: 0xa9f55f95,
  pqInnerDataTempDc: 0x56fddf88,
  serverDhParamsOk: 0xd0e8075c,
  serverDhInnerData: 0xb5890dba,
  setClientDhParams: 0xf5045f1f,
  clientDhInnerData: 0x6643b654,
  dhGenOk: 0x3bcbf734,
  dhGenRetry: 0x46dc1fb9,
} as const;

/** Two primes below 2^31, so that a client factors their product in milliseconds. */
const primes = { p: 0x494c553bn, q: 0x53911073n } as const;

/** The prime of Telegram's own servers, which clients know to be safe. */
const dhPrime = BigInt(
  "0xc71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac92513" +
    "9543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc4988" +
    "0708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4" +
    "b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f" +
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b",
);
const generator = 3;
const keySize = 256;

/** What both sides have at the end. */
export interface Authorization {
  /** 256 bytes. */
  readonly key: Uint8Array;
  /** 8 bytes of its hash, by which messages name it. */
  readonly id: Uint8Array;
  /** What the client's messages must carry. */
  readonly salt: bigint;
}

/** What the exchange answers; `authorization` once it is complete. */
export interface ExchangeStep {
  readonly answer: Uint8Array;
  readonly authorization?: Authorization;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "pq-sent"; readonly nonce: Uint8Array; readonly serverNonce: Uint8Array }
  | { readonly kind: "dh-sent"; readonly nonces: Nonces; readonly secret: bigint };

interface Nonces {
  readonly nonce: Uint8Array;
  readonly serverNonce: Uint8Array;
  readonly newNonce: Uint8Array;
}

/** One exchange over one connection. */
export class KeyExchange {
  readonly #key: ServerKey;
  readonly #nowSeconds: () => number;
  #state: State = { kind: "idle" };

  constructor(key: ServerKey, nowSeconds: () => number) {
    this.#key = key;
    this.#nowSeconds = nowSeconds;
  }

  /** Answers one plain message. @throws {Error} If it does not belong here or was not sealed as it should be. */
  step(message: Uint8Array): ExchangeStep {
    const reader = new TlReader(message);
    const constructor = reader.uint();
    if (constructor === id.reqPq || constructor === id.reqPqMulti) return this.#offerPq(reader);
    if (constructor === id.reqDhParams && this.#state.kind === "pq-sent") return this.#offerDh(reader, this.#state);
    if (constructor === id.setClientDhParams && this.#state.kind === "dh-sent") {
      return this.#finish(reader, this.#state);
    }
    throw new Error(`Constructor ${constructor.toString(16)} does not fit the state ${this.#state.kind}`);
  }

  #offerPq(reader: TlReader): ExchangeStep {
    const nonce = reader.raw(16);
    const serverNonce = randomBytes(16);
    this.#state = { kind: "pq-sent", nonce, serverNonce };
    const answer = new TlWriter().int(id.resPq).raw(nonce).raw(serverNonce)
      .bytes(fromBigInt(primes.p * primes.q, 8))
      .int(vectorId).int(1).long(this.#key.fingerprint);
    return { answer: answer.end() };
  }

  #offerDh(reader: TlReader, state: { nonce: Uint8Array; serverNonce: Uint8Array }): ExchangeStep {
    expect(reader, state);
    const [p, q, fingerprint] = [toBigInt(reader.bytes()), toBigInt(reader.bytes()), reader.long()];
    if (p !== primes.p || q !== primes.q) throw new Error("The client did not factor pq");
    if (fingerprint !== this.#key.fingerprint) throw new Error("The client chose another RSA key");
    const newNonce = readPqInner(rsaUnpad(this.#key, reader.bytes()), state);
    const secret = toBigInt(randomBytes(keySize));
    const nonces = { ...state, newNonce };
    this.#state = { kind: "dh-sent", nonces, secret };
    const inner = new TlWriter().int(id.serverDhInnerData).raw(state.nonce).raw(state.serverNonce).int(generator)
      .bytes(fromBigInt(dhPrime, keySize))
      .bytes(fromBigInt(powMod(BigInt(generator), secret, dhPrime), keySize))
      .int(this.#nowSeconds()).end();
    const hashed = concat(sha1(inner), inner);
    const padded = concat(hashed, randomBytes((16 - hashed.length % 16) % 16));
    const answer = new TlWriter().int(id.serverDhParamsOk).raw(state.nonce).raw(state.serverNonce)
      .bytes(igeEncrypt(nonceKey(newNonce, state.serverNonce), padded));
    return { answer: answer.end() };
  }

  #finish(reader: TlReader, { nonces, secret }: { nonces: Nonces; secret: bigint }): ExchangeStep {
    expect(reader, nonces);
    const opened = igeDecrypt(nonceKey(nonces.newNonce, nonces.serverNonce), reader.bytes());
    const inner = new TlReader(opened.subarray(20));
    if (inner.uint() !== id.clientDhInnerData) throw new Error("The client's half of the key is malformed");
    expect(inner, nonces);
    inner.long();
    const clientHalf = toBigInt(inner.bytes());
    if (!equal(sha1(opened.subarray(20, 20 + inner.offset)), opened.subarray(0, 20))) {
      throw new Error("The client's half of the key has a wrong hash");
    }
    const key = fromBigInt(powMod(clientHalf, secret, dhPrime), keySize);
    const digest = sha1(key);
    // Client libraries differ over a key that starts with a zero byte: some cut it off. The protocol lets us ask again.
    const again = key[0] === 0;
    const proof = sha1(nonces.newNonce, Uint8Array.of(again ? 2 : 1), digest.subarray(0, 8)).subarray(4);
    const answer = new TlWriter().int(again ? id.dhGenRetry : id.dhGenOk)
      .raw(nonces.nonce).raw(nonces.serverNonce).raw(proof).end();
    if (again) return { answer };
    this.#state = { kind: "idle" };
    const salt = new TlReader(xor(nonces.newNonce.subarray(0, 8), nonces.serverNonce)).long();
    return { answer, authorization: { key, id: digest.subarray(12), salt } };
  }
}

function expect(reader: TlReader, { nonce, serverNonce }: { nonce: Uint8Array; serverNonce: Uint8Array }): void {
  if (!equal(reader.raw(16), nonce) || !equal(reader.raw(16), serverNonce)) throw new Error("The nonces differ");
}

/** The new nonce, after everything before it was checked. */
function readPqInner(data: Uint8Array, state: { nonce: Uint8Array; serverNonce: Uint8Array }): Uint8Array {
  const reader = new TlReader(data);
  const constructor = reader.uint();
  const known: readonly number[] = [id.pqInnerData, id.pqInnerDataDc, id.pqInnerDataTempDc];
  if (!known.includes(constructor)) throw new Error(`Unknown p_q_inner_data ${constructor.toString(16)}`);
  const [pq, p, q] = [toBigInt(reader.bytes()), toBigInt(reader.bytes()), toBigInt(reader.bytes())];
  if (pq !== primes.p * primes.q || p !== primes.p || q !== primes.q) throw new Error("The sealed p and q are wrong");
  expect(reader, state);
  return reader.raw(32);
}
