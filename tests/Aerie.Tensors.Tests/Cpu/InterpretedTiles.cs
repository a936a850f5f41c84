// An interpreter for the few instructions of the AMX kernel (Intel SDM, instructions LDTILECFG, TILELOADD, TDPBF16PS, TILESTORED ...), so that the very
// code that runs on machines with tiles is tested on all others.
using Aerie.Tensors.Cpu;
using Iced.Intel;

namespace Aerie.Tensors.Tests.Cpu;

sealed unsafe class InterpretedTiles : GemmKernel
{
    readonly TileKernel _real = new();
    readonly Dictionary<ulong, Instruction>[] _code;

    public InterpretedTiles() => _code = [Decode(1), Decode(2)];

    public override string Name => "interpreted " + _real.Name;
    public override int Width => _real.Width;
    public override int MaxRows => _real.MaxRows;
    public override int RowUnit => _real.RowUnit;
    public override int StepUnit => _real.StepUnit;
    public override bool RowMajorA => _real.RowMajorA;
    public override PackFormat FormatA => _real.FormatA;
    public override PackFormat FormatB => _real.FormatB;
    public override int BlockBytes => _real.BlockBytes;

    static Dictionary<ulong, Instruction> Decode(int high)
    {
        using var stream = new MemoryStream();
        TileKernel.Assemble(high, TileKernel.Configuration).Assemble(new StreamCodeWriter(stream), 0);
        var decoder = Decoder.Create(64, stream.ToArray(), 0);
        Dictionary<ulong, Instruction> code = [];
        while (decoder.IP < (ulong)stream.Length)
        {
            Instruction instruction = decoder.Decode();
            code[instruction.IP] = instruction;
        }

        return code;
    }

    public override void Run(int rows, uint* a, uint* b, int steps, float* c, long cStride, bool load, bool stream) =>
        new Machine(_code[rows / 16 - 1]).Call((long)a, (long)b, steps, (long)c, cStride * 4, TileKernel.Flags(load, stream));

    sealed class Machine(Dictionary<ulong, Instruction> code)
    {
        readonly long[] _registers = new long[16];
        readonly float[][] _tiles = new float[8][];
        readonly Stack<long> _stack = new();
        bool _carry, _less, _configured;

        public void Call(params long[] arguments)
        {
            Register[] places = [Register.RDI, Register.RSI, Register.RDX, Register.RCX, Register.R8, Register.R9];
            for (int i = 0; i < places.Length; i++)
                this[places[i]] = arguments[i];
            Instruction now = code[0];
            while (now.Mnemonic != Mnemonic.Ret)
                now = code[Step(now) ? now.NearBranchTarget : now.NextIP];
            Assert.Empty(_stack);
            Assert.False(_configured, "tiles are not released");
        }

        ref long this[Register register] => ref _registers[register.GetFullRegister() - Register.RAX];

        ref float[] Tile(Register register)
        {
            Assert.True(_configured);
            return ref _tiles[register - Register.TMM0];
        }

        long Base(in Instruction i) => this[i.MemoryBase] + (long)i.MemoryDisplacement64;

        long Value(in Instruction i) => i.Op1Kind == OpKind.Register ? this[i.Op1Register] : (long)i.GetImmediate(1);

        /// <summary>Executes one instruction; whether it jumps.</summary>
        bool Step(in Instruction i)
        {
            switch (i.Mnemonic)
            {
                case Mnemonic.Mov: this[i.Op0Register] = Value(i); break;
                case Mnemonic.Add: this[i.Op0Register] += Value(i); break;
                case Mnemonic.Sub: this[i.Op0Register] -= Value(i); _less = this[i.Op0Register] < 0; break;
                case Mnemonic.Shl: this[i.Op0Register] <<= i.Immediate8; break;
                case Mnemonic.Shr: _carry = (this[i.Op0Register] >> (i.Immediate8 - 1) & 1) != 0; this[i.Op0Register] >>>= i.Immediate8; break;
                case Mnemonic.Lea:
                    this[i.Op0Register] = (i.MemoryBase == Register.None ? (long)i.MemoryDisplacement64 : Base(i)) + (i.MemoryIndex == Register.None ? 0 : this[i.MemoryIndex] * i.MemoryIndexScale);
                    break;
                case Mnemonic.Push: _stack.Push(this[i.Op0Register]); break;
                case Mnemonic.Pop: this[i.Op0Register] = _stack.Pop(); break;
                case Mnemonic.Jmp: return true;
                case Mnemonic.Jae: return !_carry;
                case Mnemonic.Jl: return _less;
                case Mnemonic.Jge: return !_less;
                case Mnemonic.Prefetcht0: break;
                case Mnemonic.Ldtilecfg:
                    byte* config = (byte*)Base(i);
                    Assert.Equal(1, config[0]);
                    for (int tile = 0; tile < 8; tile++)
                        Assert.True(((ushort*)(config + 16))[tile] == 64 && config[48 + tile] == 16);
                    _configured = true;
                    break;
                case Mnemonic.Tilerelease: _configured = false; break;
                case Mnemonic.Tilezero: Tile(i.Op0Register) = new float[256]; break;
                case Mnemonic.Tileloadd:
                    float[] loaded = Tile(i.Op0Register) = new float[256];
                    for (int row = 0; row < 16; row++)
                        new Span<float>((void*)(Base(i) + row * this[i.MemoryIndex]), 16).CopyTo(loaded.AsSpan(row * 16));
                    break;
                case Mnemonic.Tilestored:
                    for (int row = 0; row < 16; row++)
                        Tile(i.Op1Register).AsSpan(row * 16, 16).CopyTo(new Span<float>((void*)(Base(i) + row * this[i.MemoryIndex]), 16));
                    break;
                case Mnemonic.Tdpbf16ps: Multiply(Tile(i.Op0Register), Tile(i.Op1Register), Tile(i.Op2Register)); break;
                default: throw new NotSupportedException(i.ToString());
            }

            return false;
        }

        /// <summary>Per element: sums of the even and of the odd k of the 16 pairs, then both added to what was there.</summary>
        static void Multiply(float[] c, float[] a, float[] b)
        {
            for (int m = 0; m < 16; m++)
            {
                for (int n = 0; n < 16; n++)
                {
                    float even = 0, odd = 0;
                    for (int k = 0; k < 16; k++)
                    {
                        uint x = BitConverter.SingleToUInt32Bits(a[m * 16 + k]), y = BitConverter.SingleToUInt32Bits(b[k * 16 + n]);
                        even += BitConverter.UInt32BitsToSingle(x << 16) * BitConverter.UInt32BitsToSingle(y << 16);
                        odd += BitConverter.UInt32BitsToSingle(x & 0xffff0000) * BitConverter.UInt32BitsToSingle(y & 0xffff0000);
                    }

                    c[m * 16 + n] += even + odd;
                }
            }
        }
    }
}
