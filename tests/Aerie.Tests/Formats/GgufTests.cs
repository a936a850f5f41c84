// GGUF files: blocks against ggml's own numbers, and files that lie.
using System.Runtime.InteropServices;
using Aerie.Formats;

namespace Aerie.Tests.Formats;

public class GgufTests
{
    [Theory]
    [InlineData(2, "Q4_0"), InlineData(3, "Q4_1"), InlineData(6, "Q5_0"), InlineData(7, "Q5_1"), InlineData(8, "Q8_0"), InlineData(10, "Q2_K"), InlineData(11, "Q3_K"), InlineData(12, "Q4_K"), InlineData(13, "Q5_K"), InlineData(14, "Q6_K")]
    public void Blocks_are_expanded_as_ggml_does_it_bit_for_bit(uint id, string name)
    {
        using var truth = SafetensorsFolder.Open(Golden.Path("gguf", "blocks.safetensors"));
        var type = GgufType.Find(id);
        var values = new float[truth.Get($"{name}.values").Count];
        type.Expand!(truth.Bytes($"{name}.blocks"), values);
        Assert.Equal((name, truth.Get($"{name}.blocks").ByteLength), (type.Name, (long)values.Length / type.BlockLength * type.BlockBytes));
        Assert.Equal(truth.Bytes($"{name}.values"), MemoryMarshal.AsBytes<float>(values));
    }

    static GgufBuilder Small() => new GgufBuilder().Key("general.architecture", "llama").Key("text", "é").Key("list", new[] { "a", "b" }).Key("n", 7u)
        .Tensor("a", [2, 3], [1, 2, 3, 4, 5, 6]).Tensor("b", 8, [1, 32], new byte[34]).Tensor("c", [5], [1, 2, 3, 4, 5]);

    static string Problem(byte[] bytes)
    {
        using var folder = Golden.Temporary();
        return Problem(bytes, folder.File("model.gguf"));
    }

    static string Problem(byte[] bytes, string path)
    {
        File.WriteAllBytes(path, bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var model = GgufModel.Open(path);
            foreach (var key in model.Keys.Keys)
                if (model.Keys.IsArray(key)) _ = key == "list" ? model.Keys.Texts(key)!.Length : model.Keys.Wholes(key)!.Length;
                else _ = key is "n" ? $"{model.Keys.Whole(key)}" : key == "general.alignment" ? "" : model.Keys.Text(key);
            foreach (var tensor in model.Tensors) _ = model.Bytes(tensor, 0, (int)tensor.ByteLength).Length;
            return "";
        }
        catch (AerieException problem)
        {
            Assert.StartsWith($"{path}: ", problem.Message, StringComparison.Ordinal);
            return problem.Message;
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    [Fact]
    public void A_good_file_is_read_as_it_was_written()
    {
        using var folder = Golden.Temporary();
        foreach (var (version, alignment) in new[] { (2u, 32), (3u, 64) })
        {
            var builder = Small().Key("general.alignment", (uint)alignment).Key("eps", 1e-5f).Key("yes", true).Key("scores", new[] { 0.5f, -1f }).Key("deep", new[] { new[] { 1, 2 }, new[] { 3 } });
            builder.Version = version;
            using var file = GgufFile.Open(builder.Save(folder.File("a.gguf"), alignment));
            Assert.Equal(("é", 7, 1e-5, true, 3), (file.Text("text"), file.Whole("n"), file.Number("eps"), file.Flag("yes"), file.Tensors.Count));
            Assert.Equal(["a", "b"], file.Texts("list")!);
            Assert.Equal([0.5, -1], file.Numbers("scores")!);
            Assert.Equal([2L, 3], file.Tensors[0].Shape);
            var values = new float[5];
            file.Tensors[2].Type.Expand!(file.Bytes(file.Tensors[2], 0, 20), values);
            Assert.Equal([1, 2, 3, 4, 5], values);
            Assert.Null(file.Text("nothing"));
            Assert.Contains("key 'n' should be a text", Assert.Throws<AerieException>(() => file.Text("n")).Message, StringComparison.Ordinal);
        }
    }

    public static TheoryData<string, byte[]> Lies => new()
    {
        { "too short", [] },
        { "does not begin with GGUF but with 47475847", Change(Small().Build(), 2, (byte)'X', (byte)'G') },
        { "from before GGUF", [.. "tjgg"u8, .. new byte[64]] },
        { "GGUF version 1 is not supported", new GgufBuilder { Version = 1 }.Build() },
        { "GGUF version 4 is not supported", new GgufBuilder { Version = 4 }.Build() },
        { "big-endian", new GgufBuilder { Version = 0x03000000 }.Build() },
        { "the number of tensors is 18446744073709551615", new GgufBuilder { TensorCount = ulong.MaxValue }.Build() },
        { "the number of keys is 9223372036854775807", new GgufBuilder { KeyCount = long.MaxValue }.Build() },
        { "key 'n' is there twice", Small().Again("n", 8u).Build() },
        { "key 'x' is of the unknown kind 13", Small().Raw("x", [13, 0, 0, 0]).Build() },
        { "x at byte", Small().Raw("x", Words(8, ulong.MaxValue)).Build() },
        { "the length of array 'x' is 4611686018427387904", Small().Raw("x", [.. Words(9), .. Words(4, 1UL << 62)]).Build() },
        { "key 'x' has arrays within arrays", Small().Raw("x", [.. Words(9), .. Enumerable.Repeat(Words(9, 1UL), 9).SelectMany(b => b)]).Build() },
        { "the name of key 0 at byte", [.. "GGUF"u8, .. Words(3, 0UL), .. BitConverter.GetBytes(1UL), .. BitConverter.GetBytes(1UL << 40), .. new byte[64]] },
        { "text at byte", Replace(Small().Build(), "é"u8.ToArray(), [0xC3, 0x28]) },
        { "general.alignment is 24", Small().Key("general.alignment", 24u).Build() },
        { "general.alignment is 0", Small().Key("general.alignment", 0u).Build() },
        { "tensor 'a' is there twice", Small().Tensor("a", [1], [1f]).Build() },
        { "tensor 'd' has 5 dimensions", Small().Tensor("d", [1, 1, 1, 1, 1], [1f]).Build() },
        { "tensor 'd' has an impossible dimension of 0", Small().Tensor("d", [0, 4], []).Build() },
        { "tensor 'd' has an impossible dimension of 4294967296", Small().Tensor("d", [1L << 32, 1L << 32], []).Build() },
        { "tensor 'd' is said to have 4611686018427387904 numbers", Small().Tensor("d", [1L << 31, 1L << 31], []).Build() },
        { "rows of 33 numbers, which blocks of 32 (Q8_0) do not fill", Small().Tensor("d", 8, [33], new byte[64]).Build() },
        { "tensors of types that are not supported: IQ2_XS (1, such as d)", Small().Tensor("d", 17, [256], new byte[74]).Build() },
        { "number 99 (1, such as d)", Small().Tensor("d", 99, [256], new byte[74]).Build() },
        { "tensor 'b' begins at byte 0 of the data, within 'a'", Placed(i => i == 1 ? 0UL : null) },
        { "tensor 'b' begins at byte 33 of the data, not a multiple", Placed(i => i == 1 ? 33UL : null) },
        { "tensor 'c' should be 20 bytes at byte 1099511627776", Placed(i => i == 2 ? 1UL << 40 : null) },
        { "tensor 'c' begins at byte 18446744073709551615", Placed(i => i == 2 ? ulong.MaxValue : null) },
        { "the name of tensor 3 at byte", Small().Tensor(new string('x', 65), [1], [1f]).Build() },
    };

    [Theory, MemberData(nameof(Lies))]
    public void A_file_that_lies_is_refused_in_words(string says, byte[] bytes) => Assert.Contains(says, Problem(bytes), StringComparison.Ordinal);

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        using var folder = Golden.Temporary();
        var whole = Small().Build();
        Assert.Equal("", Problem(whole));
        for (var length = 0; length < whole.Length - 12; length++) Assert.NotEqual("", Problem(whole[..length], folder.File("cut.gguf")));       // the last 12 bytes are padding
    }

    [Fact]
    public void Whatever_bytes_change_nothing_but_an_error_comes_of_it()
    {
        using var folder = Golden.Temporary();
        var random = new Random(5);
        for (var i = 0; i < 1000; i++)
        {
            var bytes = Small().Build();
            for (var n = random.Next(1, 4); n > 0; n--) bytes[random.Next(bytes.Length - 140)] = (byte)random.Next(256);
            Problem(bytes, folder.File("changed.gguf"));
        }
    }

    [Fact]
    public void Parts_are_one_model_and_a_missing_one_is_named()
    {
        using var folder = Golden.Temporary();
        GgufBuilder Part(ushort number, int of = 2) => new GgufBuilder().Key("split.no", (uint)number).Key("split.count", (uint)of).Key("split.tensors.count", 3);
        string Name(int part) => folder.File($"m-{part:00000}-of-00002.gguf");
        Part(0).Key("general.architecture", "llama").Tensor("a", [1], [1f]).Save(Name(1));
        Assert.Contains("m-00002-of-00002.gguf: no such file", Assert.Throws<AerieException>(() => GgufModel.Open(Name(1))).Message, StringComparison.Ordinal);
        Part(1).Tensor("b", [1], [2f]).Tensor("c", [1], [3f]).Save(Name(2));
        foreach (var part in (int[])[1, 2])
        {
            using var model = GgufModel.Open(Name(part));
            Assert.Equal(("llama", 3, 3f), (model.Keys.Text("general.architecture"), model.Names.Count, BitConverter.ToSingle(model.Bytes(model.Find("c")!, 0, 4))));
        }
        Part(1).Tensor("a", [1], [2f]).Tensor("c", [1], [3f]).Save(Name(2));
        Assert.Contains("tensor 'a' is in", Assert.Throws<AerieException>(() => GgufModel.Open(Name(1))).Message, StringComparison.Ordinal);
        Part(1).Tensor("b", [1], [2f]).Save(Name(2));
        Assert.Contains("split.tensors.count is 3, the parts have 2", Assert.Throws<AerieException>(() => GgufModel.Open(Name(1))).Message, StringComparison.Ordinal);
        Part(0).Tensor("b", [1], [2f]).Save(Name(2));
        Assert.Contains("says that it is part 1 of 2, its name says 2 of 2", Assert.Throws<AerieException>(() => GgufModel.Open(Name(1))).Message, StringComparison.Ordinal);
        File.Move(Name(1), folder.File("renamed.gguf"));
        Assert.Contains("is part 1 of 2", Assert.Throws<AerieException>(() => GgufModel.Open(folder.File("renamed.gguf"))).Message, StringComparison.Ordinal);
    }

    static byte[] Placed(Func<int, ulong?> place)
    {
        var builder = Small();
        builder.Place = (i, offset) => place(i) ?? (ulong)offset;
        return builder.Build();
    }

    static byte[] Words(uint first, params ulong[] more) => [.. BitConverter.GetBytes(first), .. more.SelectMany(BitConverter.GetBytes)];

    static byte[] Change(byte[] bytes, int at, params byte[] to)
    {
        to.CopyTo(bytes, at);
        return bytes;
    }

    static byte[] Replace(byte[] bytes, byte[] what, byte[] by) => Change(bytes, bytes.AsSpan().IndexOf(what), by);
}
