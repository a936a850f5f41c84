// The vectors that LaneKernel is written over: 16, 8, 4 floats or 1.
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aerie.Tensors.Cpu;

/// <summary>Operations of a vector of floats of type <typeparamref name="TV"/>.</summary>
unsafe interface IKernelLane<TV> where TV : struct
{
    static abstract string Name { get; }
    static abstract int Count { get; }
    static abstract int MaxRows { get; }
    static abstract TV Load(float* p);
    static abstract void Store(float* p, TV v);
    static abstract TV Broadcast(float* p);
    static abstract TV MultiplyAdd(TV a, TV b, TV sum);

    /// <summary>The bfloat16 in the low halves of 32-bit words, as floats.</summary>
    static abstract TV Low(TV words);

    /// <summary>The bfloat16 in the high halves.</summary>
    static abstract TV High(TV words);
}

readonly unsafe struct Lane512 : IKernelLane<Vector512<float>>
{
    public static string Name => "avx512";
    public static int Count => 16;
    public static int MaxRows => 12;
    public static Vector512<float> Load(float* p) => Avx512F.LoadVector512(p);
    public static void Store(float* p, Vector512<float> v) => Avx512F.Store(p, v);
    public static Vector512<float> Broadcast(float* p) => Vector512.Create(*p);
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> sum) => Avx512F.FusedMultiplyAdd(a, b, sum);
    public static Vector512<float> Low(Vector512<float> words) => Avx512F.ShiftLeftLogical(words.AsUInt32(), 16).AsSingle();
    public static Vector512<float> High(Vector512<float> words) => Avx512F.And(words.AsUInt32(), Vector512.Create(0xffff0000u)).AsSingle();
}

readonly unsafe struct Lane256 : IKernelLane<Vector256<float>>
{
    public static string Name => "avx2";
    public static int Count => 8;
    public static int MaxRows => 6;
    public static Vector256<float> Load(float* p) => Avx.LoadVector256(p);
    public static void Store(float* p, Vector256<float> v) => Avx.Store(p, v);
    public static Vector256<float> Broadcast(float* p) => Avx.BroadcastScalarToVector256(p);
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> sum) => Fma.MultiplyAdd(a, b, sum);
    public static Vector256<float> Low(Vector256<float> words) => Avx2.ShiftLeftLogical(words.AsUInt32(), 16).AsSingle();
    public static Vector256<float> High(Vector256<float> words) => Avx2.And(words.AsUInt32(), Vector256.Create(0xffff0000u)).AsSingle();
}

/// <summary>No fused multiply-add: it is not everywhere, and what is emulated is slow.</summary>
readonly unsafe struct Lane128 : IKernelLane<Vector128<float>>
{
    public static string Name => "portable, 128-bit vectors";
    public static int Count => 4;
    public static int MaxRows => 6;
    public static Vector128<float> Load(float* p) => Vector128.Load(p);
    public static void Store(float* p, Vector128<float> v) => v.Store(p);
    public static Vector128<float> Broadcast(float* p) => Vector128.Create(*p);
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> sum) => sum + a * b;
    public static Vector128<float> Low(Vector128<float> words) => (words.AsUInt32() << 16).AsSingle();
    public static Vector128<float> High(Vector128<float> words) => (words.AsUInt32() & Vector128.Create(0xffff0000u)).AsSingle();
}

readonly unsafe struct Lane1 : IKernelLane<float>
{
    public static string Name => "portable, plain loops";
    public static int Count => 1;
    public static int MaxRows => 6;
    public static float Load(float* p) => *p;
    public static void Store(float* p, float v) => *p = v;
    public static float Broadcast(float* p) => *p;
    public static float MultiplyAdd(float a, float b, float sum) => sum + a * b;
    public static float Low(float words) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(words) << 16);
    public static float High(float words) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(words) & 0xffff0000u);
}
