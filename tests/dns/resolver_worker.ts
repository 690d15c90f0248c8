import { runScript, type ScriptOrder } from "./resolver_script.ts";

const creator = self as unknown as Worker;
creator.onmessage = async ({ data }: MessageEvent<ScriptOrder>) => creator.postMessage(await runScript(data));
