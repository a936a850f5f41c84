// What tokenizer_config.json changes and what it does not (transformers 5 with a tokenizer.json), on a tokenizer of a few letters.
using Aerie.Text;

namespace Aerie.Tests.Text;

public class TokenizerConfigTests
{
    const string Bpe = """{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<":3,"s":4,">":5,"<s":6,"<s>":7," ":8,".":9},"merges":[["a","b"],["<","s"],["<s",">"]]}""";
    const string Unigram = """{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1],["b",-1],[" ",-1],[".",-1],["?",-1]]}""";

    static Tokenizer Load(string config, string model = Bpe, string added = "[]")
    {
        using var folder = Golden.Temporary();
        File.WriteAllText(folder.File("tokenizer.json"), $$"""{"added_tokens":{{added}},"model":{{model}},"decoder":{"type":"Fuse"} }""");
        if (config.Length > 0) File.WriteAllText(folder.File("tokenizer_config.json"), config);
        return Tokenizer.Load(folder.Path);
    }

    [Theory]
    [InlineData("""{"add_bos_token":true,"add_eos_token":true,"bos_token":"a","eos_token":"b"}""")]
    [InlineData("""{"legacy":true}""")]
    [InlineData("""{"add_prefix_space":true,"clean_up_tokenization_spaces":true}""")]
    [InlineData("""{"model_max_length":1000000000000000019884624838656,"tokenizer_class":"LlamaTokenizerFast","auto_map":{"AutoTokenizer":["evil.py",null]}}""")]
    public void What_tokenizer_json_says_is_not_said_again(string config)
    {
        var (plain, tokenizer) = (Load(""), Load(config));
        Assert.Equal(plain.Encode("b  .", addSpecialTokens: true), tokenizer.Encode("b  .", addSpecialTokens: true));
        Assert.Equal("a .", tokenizer.Decode([0, 8, 9]));
    }

    [Fact]
    public void Named_tokens_of_the_vocabulary_are_control_tokens()
    {
        Assert.Equal([0, 7, 0], Load("").Encode("a<s>a"));
        Assert.Equal("a<s>a", Load("").Decode([0, 7, 0], skipSpecialTokens: true));
        foreach (var config in (string[])["""{"bos_token":"<s>"}""", """{"eos_token":{"content":"<s>","lstrip":false}}""", """{"additional_special_tokens":["<s>"]}""", """{"extra_special_tokens":{"image_token":"<s>"}}"""])
        {
            var tokenizer = Load(config);
            Assert.Equal("aa", tokenizer.Decode([0, 7, 0], skipSpecialTokens: true));
            Assert.True(tokenizer.AddedTokens[7].Special);
        }
        Assert.Null(Load("""{"bos_token":"<none>"}""").SpecialId("bos_token"));
        Assert.Equal("<s>", Load("""{"extra_special_tokens":{"image_token":"<s>"}}""").SpecialTokens["image_token"]);
    }

    [Fact]
    public void Added_tokens_of_the_config_win()
    {
        const string Added = """[{"id":10,"content":"<x>","special":false,"lstrip":false}]""";
        var tokenizer = Load("""{"added_tokens_decoder":{"10":{"content":"<x>","special":true,"lstrip":true,"normalized":false},"11":{"content":"<y>","special":true}}}""", added: Added);
        Assert.Equal([0, 10, 0, 11], tokenizer.Encode("a  <x>a<y>"));
        Assert.Equal("aa", tokenizer.Decode([0, 10, 0, 11], skipSpecialTokens: true));
        Assert.Equal([0, 8, 10], Load("", added: Added).Encode("a <x>"));
        var problem = Assert.Throws<AerieException>(() => Load("""{"added_tokens_decoder":{"0":{"content":"<x>"}}}"""));
        Assert.Contains("tokenizer_config.json.added_tokens_decoder.0", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Split_special_tokens_is_meant_where_the_caller_does_not_say()
    {
        var tokenizer = Load("""{"split_special_tokens":true,"bos_token":"<x>","added_tokens_decoder":{"10":{"content":"<x>","special":true}}}""");
        Assert.Equal([3, 5], tokenizer.Encode("<x>"));
        Assert.Equal([10], tokenizer.Encode("<x>", splitSpecialTokens: false));
    }

    [Fact]
    public void Clean_up_is_for_Unigram_only_and_not_for_streams()
    {
        var tokenizer = Load("""{"clean_up_tokenization_spaces":true}""", Unigram);
        Assert.Equal("a.b?", tokenizer.Decode([1, 3, 4, 2, 3, 5]));
        Assert.Equal("a .", Load("""{"clean_up_tokenization_spaces":true}""").Decode([0, 8, 9]));
        Assert.Equal("a .", Load("""{"clean_up_tokenization_spaces":false}""", Unigram).Decode([1, 3, 4]));
        var stream = new TokenStream(tokenizer);
        Assert.Equal("a .", stream.Next(1) + stream.Next(3) + stream.Next(4) + stream.Rest());
    }

    [Theory]
    [InlineData("[]", "is not an object")]
    [InlineData("""{"split_special_tokens":"yes"}""", "split_special_tokens")]
    [InlineData("""{"added_tokens_decoder":[]}""", "added_tokens_decoder")]
    [InlineData("""{"added_tokens_decoder":{"x":{"content":"a"}}}""", "is not an id")]
    [InlineData("{", "not JSON")]
    public void A_broken_config_is_named(string config, string what)
    {
        var problem = Assert.Throws<AerieException>(() => Load(config));
        Assert.Contains("tokenizer_config.json", problem.Message, StringComparison.Ordinal);
        Assert.Contains(what, problem.Message, StringComparison.Ordinal);
    }
}
