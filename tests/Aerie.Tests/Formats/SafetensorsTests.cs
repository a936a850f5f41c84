// Safetensors against the official reader and writer (golden cases).
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Tests.Formats;

public class SafetensorsTests
{
    public static TheoryData<string> Cases => Golden.Cases("safetensors");

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_golden_case_is_read_exactly(string name) => Golden.Check("safetensors", name);

    // What the official reader accepts, and a strict one of ours might not.
    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4)]
    [InlineData("""{"a":["F32",[1],[0,4]]}""", 4)]
    [InlineData("""{"__metadata__":null,"a":{"shape":[1],"note":{"x":[1,2,{"y":"\u00e9"}]},"data_offsets":[0,4],"dtype":"F32","note":1}}""", 4)]
    [InlineData("""{"__metadata__":{"k":"1","k":"2"}}""", 0)]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}}""", -1)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}""", -1)]
    [InlineData("""{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}""", -1)]
    [InlineData("""{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}""", -1)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":"\ud800"}}""", -1)]
    [InlineData("""{"a":["F32",[1],[0,4],1]}""", -1)]
    [InlineData("""{"a":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]}}""", -1)]
    public void The_header_is_as_strict_as_the_official_readers(string header, int data)
    {
        using var folder = Golden.Temporary();
        var path = folder.File("x.safetensors");
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount(header)), .. Encoding.UTF8.GetBytes(header), .. new byte[Math.Max(data, 0)]]);
        if (data >= 0) SafetensorsFile.Open(path).Dispose();
        else Assert.Contains(path, Assert.Throws<AerieException>(() => SafetensorsFile.Open(path)).Message);
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        using var folder = Golden.Temporary();
        var path = folder.File("x.safetensors");
        SafetensorsWriter.Write(path,
        [
            new("b\"🦅\n", SafetensorsType.BF16, [2, 1], new byte[] { 0x80, 0x3F, 0, 0xC0 }),
            new("a", SafetensorsType.F32, [], BitConverter.GetBytes(0.1f)),
            new("none", SafetensorsType.F64, [3, 0], ReadOnlyMemory<byte>.Empty),
        ], new Dictionary<string, string> { ["format"] = "pt" });
        using var view = SafetensorsFolder.Open(path);
        Assert.Equal([1f, -2f], view.ReadFloat32("b\"🦅\n"));
        Assert.Equal([0.1f], view.ReadFloat32("a"));
        Assert.Empty(view.ReadFloat32("none"));
        Assert.Equal("pt", view.Metadata!["format"]);
        Assert.Throws<AerieException>(() => view.ReadFloat32("c"));
        Assert.Throws<AerieException>(() => view.ReadFloat32("a", new float[2]));
        Assert.Equal(["x.safetensors"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_and_nothing_else()
    {
        using var folder = Golden.Temporary();
        var path = folder.File("x.safetensors");
        WholeFile.Write(path, "old");
        Assert.Throws<AerieException>(() => SafetensorsWriter.Write(path, [new("a", SafetensorsType.U8, [3], _ => throw new IOException("No space left on device"))]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [new("a", SafetensorsType.U8, [3], new byte[2])]));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
        Assert.Throws<AerieException>(() => WholeFile.Write(folder.File("no/such/folder"), "x"));
    }
}
