// Times llama.cpp through its Node binding: a prompt of 512 tokens, then 128 tokens one by one (greedy). Prints one line of JSON.
//   npm install && node measure.mjs MODEL.gguf [--threads 2] [--prompt 512] [--generate 128] [--runs 3] [--flash]
// llama.cpp's own tools (without the binding's overhead per token) are built by tools.sh.
import os from "node:os";
import {parseArgs} from "node:util";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const {values, positionals} = parseArgs({allowPositionals: true, options: {
    threads: {type: "string", default: "2"}, prompt: {type: "string", default: "512"}, generate: {type: "string", default: "128"},
    runs: {type: "string", default: "3"}, flash: {type: "boolean", default: false}, text: {type: "string"}
}});
if (positionals.length !== 1) {
    console.error("usage: node measure.mjs MODEL.gguf [--threads 2] [--prompt 512] [--generate 128] [--runs 3] [--flash] [--text PROMPT]");
    process.exit(2);
}
const [threads, promptLength, generated, runs] = [values.threads, values.prompt, values.generate, values.runs].map(Number);
const llama = await getLlama({gpu: false, build: "never", maxThreads: threads, logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath: positionals[0], gpuLayers: 0});
const context = await model.createContext({contextSize: promptLength + generated + 64, batchSize: promptLength, threads: {ideal: threads, min: threads}, flashAttention: values.flash});
const sequence = context.getSequence();

if (values.text !== undefined) {
    // What it answers, to compare answers: token ids, greedy.
    const ids = [];
    for await (const token of sequence.evaluate(model.tokenize(values.text, true), {temperature: 0})) if (ids.push(token) === generated) break;
    console.log(JSON.stringify({prompt: [...model.tokenize(values.text, true)], ids}));
    process.exit(0);
}

// Any ids will do: they cost the same.
const prompt = Array.from({length: promptLength}, (_, i) => 1000 + (i * 7919) % 30000);
const [prefill, decode] = [[], []];
for (let run = 0; run <= runs; run++) {                       // the first one warms up
    await sequence.clearHistory();
    let start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt);
    const took = performance.now() - start;
    let count = -1;                                            // the first token starts the clock
    for await (const _ of sequence.evaluate([1000], {temperature: 0, yieldEogToken: true})) {
        if (++count === 0) start = performance.now();
        if (count === generated) break;
    }
    if (run > 0) {
        prefill.push(promptLength / took * 1000);
        decode.push(count / (performance.now() - start) * 1000);
    }
}
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const round = (x) => Math.round(x * 100) / 100;
console.log(JSON.stringify({
    tool: "node-llama-cpp 3.22.1 (llama.cpp v0.5.0)", cpu: os.cpus()[0].model, model: positionals[0].split("/").at(-1), threads, flash: values.flash,
    prompt_tokens: promptLength, prompt_tokens_per_s: round(median(prefill)), generated_tokens: generated, generated_tokens_per_s: round(median(decode)),
    runs: {prompt: prefill.map(round), generated: decode.map(round)}
}));
process.exit(0);
