// Yardstick: oneDNN's bf16 matmul primitive (Debian: libdnnl2, version 2.6), weights reordered beforehand into the layout it prefers, activations given
// as bf16 already. C API of dnnl.h; the descriptors are opaque blocks of the size that header says.
using System.Runtime.InteropServices;

namespace Aerie.Benchmarks;

sealed unsafe class OneDnn
{
    const int DescriptorBytes = 696, MatmulBytes = 2800, Cpu = 1, BF16 = 2, F32 = 3, Any = 1, Ab = 3, Ba = 22, QueryWeights = 131;
    const int Source = 1, Weights = 33, Destination = 17, From = 1, To = 17;

    readonly nint _library;
    readonly void* _engine, _stream;

    OneDnn(nint library)
    {
        _library = library;
        void* engine, stream;
        Check(((delegate* unmanaged<void**, int, nuint, int>)Export("dnnl_engine_create"))(&engine, Cpu, 0));
        Check(((delegate* unmanaged<void**, void*, uint, int>)Export("dnnl_stream_create"))(&stream, engine, 1));
        _engine = engine;
        _stream = stream;
        int* version = (int*)((delegate* unmanaged<void*>)Export("dnnl_version"))();
        Name = $"oneDNN {version[0]}.{version[1]}.{version[2]}";
    }

    public string Name { get; }

    public static OneDnn? Load()
    {
        foreach (string name in new[] { "libdnnl.so.2", "libdnnl.so" })
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new OneDnn(library);
        }

        return null;
    }

    nint Export(string name) => NativeLibrary.GetExport(_library, name);

    static void Check(int status)
    {
        if (status != 0)
            throw new InvalidOperationException($"oneDNN answers with status {status}.");
    }

    struct Argument
    {
        public int Index;
        public void* Memory;
    }

    byte* Descriptor(long rows, long cols, int type, int tag)
    {
        byte* descriptor = (byte*)NativeMemory.AllocZeroed(DescriptorBytes);
        long* dims = stackalloc long[12] { rows, cols, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
        Check(((delegate* unmanaged<byte*, int, long*, int, int, int>)Export("dnnl_memory_desc_init_by_tag"))(descriptor, 2, dims, type, tag));
        return descriptor;
    }

    void* Memory(byte* descriptor, void* data)
    {
        void* memory;
        Check(((delegate* unmanaged<void**, byte*, void*, void*, int>)Export("dnnl_memory_create"))(&memory, descriptor, _engine, data));
        return memory;
    }

    void* Primitive(void* description)
    {
        void* primitive;
        Check(((delegate* unmanaged<void**, void*, int>)Export("dnnl_primitive_create"))(&primitive, description));
        return primitive;
    }

    void Execute(void* primitive, Argument* arguments, int count)
    {
        Check(((delegate* unmanaged<void*, void*, int, Argument*, int>)Export("dnnl_primitive_execute"))(primitive, _stream, count, arguments));
        Check(((delegate* unmanaged<void*, int>)Export("dnnl_stream_wait"))(_stream));
    }

    /// <summary>C [m, n] f32 = A [m, k] W^T, W [n, k]; A and W of type bf16 (or f32). The weights are reordered here, not in the product.</summary>
    public Action MatmulTransposed(int m, int n, int k, bool bf16, void* a, void* w, float* c)
    {
        int type = bf16 ? BF16 : F32;
        byte* source = Descriptor(m, k, type, Ab), plain = Descriptor(k, n, type, Ba), any = Descriptor(k, n, type, Any), destination = Descriptor(m, n, F32, Ab);
        byte* operation = (byte*)NativeMemory.AllocZeroed(MatmulBytes);
        Check(((delegate* unmanaged<byte*, byte*, byte*, byte*, byte*, int>)Export("dnnl_matmul_desc_init"))(operation, source, any, null, destination));
        void* description, reorder;
        Check(((delegate* unmanaged<void**, byte*, void*, void*, void*, int>)Export("dnnl_primitive_desc_create"))(&description, operation, null, _engine, null));
        byte* wanted = ((delegate* unmanaged<void*, int, int, byte*>)Export("dnnl_primitive_desc_query_md"))(description, QueryWeights, 0);
        nuint bytes = ((delegate* unmanaged<byte*, nuint>)Export("dnnl_memory_desc_get_size"))(wanted);
        void* weights = Memory(wanted, NativeMemory.AlignedAlloc(bytes, 4096));

        Check(((delegate* unmanaged<void**, byte*, void*, byte*, void*, void*, int>)Export("dnnl_reorder_primitive_desc_create"))(&reorder, plain, _engine, wanted, _engine, null));
        Argument* arguments = stackalloc Argument[2];
        arguments[0] = new Argument { Index = From, Memory = Memory(plain, w) };
        arguments[1] = new Argument { Index = To, Memory = weights };
        Execute(Primitive(reorder), arguments, 2);

        nint primitive = (nint)Primitive(description);
        nint from = (nint)Memory(source, a), by = (nint)weights, to = (nint)Memory(destination, c);
        return () =>
        {
            Argument* given = stackalloc Argument[3];
            given[0] = new Argument { Index = Source, Memory = (void*)from };
            given[1] = new Argument { Index = Weights, Memory = (void*)by };
            given[2] = new Argument { Index = Destination, Memory = (void*)to };
            Execute((void*)primitive, given, 3);
        };
    }
}
