#!/bin/sh
# llama.cpp's own llama-bench and llama-quantize, in ./tools: compiled from the sources that node-llama-cpp carries (a git bundle), linked to its ready-made
# libraries (one per kind of processor, chosen at start). Needs git and g++, no network. A minute or two.
#   tools/llama-bench -m MODEL.gguf -t 2 -p 512 -n 128 -r 5 -o json
#   tools/quantize --allow-requantize MODEL.Q4_1.gguf MODEL.BF16.gguf BF16
set -eu
cd "$(dirname "$0")"
libraries="$(pwd)/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"
[ -d sources ] || git -c advice.detachedHead=false clone -q node_modules/node-llama-cpp/llama/gitRelease.bundle sources
mkdir -p tools
# llama.cpp looks for the processor's library beside the program.
for library in "$libraries"/*.so; do ln -sf "$library" tools/; done
for tool in llama-bench quantize; do
    g++ -O2 -DNDEBUG -std=c++17 -Isources/include -Isources/ggml/include -Isources/common -Isources/vendor "sources/tools/$tool/main.cpp" "sources/tools/$tool/$tool.cpp" -o "tools/$tool" \
        tools/libllama-common.so tools/libllama.v*.so tools/libggml.v*.so tools/libggml-base.so -Wl,-rpath,'$ORIGIN' -lpthread
done
