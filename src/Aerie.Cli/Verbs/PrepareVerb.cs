// `aerie prepare`: what a training run would learn from a data set: its tokens, what of them is supervised, what is cut or dropped and why.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Aerie.Data;
using Aerie.Data.LossMasks;
using Aerie.Hub;
using Aerie.Targets;
using Aerie.Text;
using Aerie.Training;

namespace Aerie.Cli.Verbs;

static class PrepareVerb
{
    static readonly Argument<string?> RecipeFile = new("RECIPE") { Description = "A recipe: its target, data, length and mask. Options override it.", Arity = ArgumentArity.ZeroOrOne };
    static readonly Option<string?> Target = new("--target", "--model") { Description = "The target: a Hugging Face folder, or org/name[@revision] of a hub. Only its tokenizer and chat template are read.", HelpName = "model" };
    static readonly Option<string[]> DataFiles = new("--data") { Description = "Conversations: a JSON or JSON Lines file, or a folder of them. May be repeated.", HelpName = "file", Arity = ArgumentArity.ZeroOrMore };
    static readonly Option<int> Samples = RecipeOptions.Whole("--show", 0, "Print this many samples, spread over the data.", least: 0);
    static readonly Option<string[]> Semantics = new("--mask-semantics") { Description = $"Whose loss mask: {string.Join(", ", LossMaskOptions.Names.Keys)}. Several, with commas or repeated, to compare.", HelpName = "name", Arity = ArgumentArity.ZeroOrMore };
    static readonly Option<int> SeqLength = RecipeOptions.Whole("--seq-length", 0, "Cut conversations at this many tokens. Default: the recipe's, or the target's longest text.", least: 0);
    static readonly Option<string?> SpecForge = new("--specforge-template") { Description = "SpecForge's name of the chat template, for its loss mask. Default: told from the target's template.", HelpName = "name" };
    static readonly Option<string[]> Set = RecipeOptions.Set();

    public static Command Create() => new Verb("prepare", "Show what a training run would learn from: samples with their loss mask, and the account of the data.",
        "aerie prepare --target assets/fledgling --data assets/fledgling/conversations.jsonl --show 2\naerie prepare --target assets/fledgling --data assets/fledgling/conversations.jsonl --show 1 --mask-semantics aerie,automodel\naerie prepare recipes/tiny-cpu.yaml --data assets/fledgling/conversations.jsonl")
    { RecipeFile, Target, DataFiles, Samples, Semantics, SeqLength, SpecForge, Set }.Does(Run);

    // What is read, and how.
    sealed record Plan(string Target, Func<LossMaskOptions, List<Conversation>> Read, int? DraftVocabulary, IReadOnlyList<(string Name, LossMaskOptions Options)> Masks);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var plan = PlanOf(parsed, screen, cancellation);
        var format = ChatFormat.Load(plan.Target);
        var show = parsed.GetValue(Samples);
        if (!screen.Json)
        {
            foreach (var mask in plan.Masks) Print(screen, format, plan, mask, show, cancellation);
            return ExitCode.Done;
        }
        screen.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("target", plan.Target);
            json.WriteStartArray("masks");
            foreach (var (name, options) in plan.Masks)
            {
                var account = Read(format, plan, options, cancellation);
                json.WriteStartObject();
                json.WriteString("semantics", name);
                Write(json, account);
                json.WriteStartArray("samples");
                var masks = new LossMask(format.Tokenizer, format.Template, options);
                foreach (var conversation in Spread(account.Conversations, show)) Write(json, conversation, masks, options, format.Tokenizer);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
        return ExitCode.Done;
    }

    static Plan PlanOf(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var recipe = parsed.GetValue(RecipeFile) is { } file ? Recipe.Load(file, parsed.GetValue(Set)) : null;
        if (recipe is null && parsed.GetValue(Set) is { Length: > 0 }) throw new AerieException("--set needs a recipe.", "aerie prepare RECIPE --set recipe_args.seq_length=512");
        foreach (var note in recipe?.Notes ?? []) screen.Note($"note: {note}");
        var target = parsed.GetValue(Target) ?? recipe?.Target ?? throw new AerieException("whose tokenizer and chat template?", "Give a recipe, or --target and --data: aerie prepare --target assets/fledgling --data assets/fledgling/conversations.jsonl --show 2");
        target = RecipeOptions.Local(target, ModelParts.Description, cancellation);
        var data = parsed.GetValue(DataFiles) is { Length: > 0 } given ? given : null;
        if (data is null && recipe is null) throw new AerieException("which data?", "Give --data: a JSON or JSON Lines file, or a folder of them.");
        var options = recipe?.LossMask ?? new();
        var longest = File.Exists(Path.Combine(target, "config.json")) ? TargetConfig.Read(target).MaxPositions : int.MaxValue;
        var length = parsed.GetValue(SeqLength) is var asked and > 0 ? asked : options.SeqLength > 0 ? options.SeqLength : longest;
        options = options with { SeqLength = Math.Min(length, longest) };
        if (parsed.GetValue(SpecForge) is { } template) options = options with { SpecForge = SpecForgeTemplate.Find(template) };
        string[] names = [.. (parsed.GetValue(Semantics) ?? []).SelectMany(n => n.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Distinct()];
        if (names.Length == 0) names = [recipe?.MaskSemantics ?? "aerie"];
        return new(target, o => data is null ? RecipeRun.Conversations(recipe! with { LossMask = o }) : ConversationReader.Read(data, o.Rule), recipe?.DraftVocabularySize, [.. names.Select(name => (name, options with { Rule = LossMaskOptions.Names.TryGetValue(name, out var rule) ? rule
            : throw new AerieException($"there is no loss mask `{name}`.", DidYouMean.Hint(name, LossMaskOptions.Names.Keys, $"Known: {string.Join(", ", LossMaskOptions.Names.Keys)}.")) }))]);
    }

    sealed record Account(List<Conversation> Conversations, DataReport Report, TokenCounts Counts, int? DraftVocabulary)
    {
        /// <summary>Share of the supervised tokens that drafters of usual vocabularies can say, or of the recipe's.</summary>
        public IEnumerable<(int Size, double Share)> Coverage => (DraftVocabulary is { } own ? [own] : (int[])[8_000, 16_000, 32_000, 64_000]).Where(size => size < Counts.TargetVocabSize)
            .Select(size => (size, Data.DraftVocabulary.Choose(Counts, size, DraftVocabularyRule.SpecForge).Coverage(Counts)));
    }

    static Account Read(ChatFormat format, Plan plan, LossMaskOptions options, CancellationToken cancellation)
    {
        var conversations = plan.Read(options);
        var counts = new TokenCounts(format.Tokenizer.VocabularySize);
        using var bar = new ProgressBar();
        var progress = new Counter(bar, conversations.Count);
        return new(conversations, ConversationTokenizer.Account(conversations, format.Tokenizer, format.Template, options, counts, progress, cancellation), counts, plan.DraftVocabulary);
    }

    sealed class Counter(ProgressBar bar, int total) : IProgress<int>
    {
        public void Report(int value) => bar.Report(new("read conversations", value, total));
    }

    static IEnumerable<Conversation> Spread(List<Conversation> all, int count) => Enumerable.Range(0, Math.Min(count, all.Count)).Select(i => all[(int)((long)i * all.Count / Math.Min(count, all.Count))]);

    static void Print(Screen screen, ChatFormat format, Plan plan, (string Name, LossMaskOptions Options) mask, int show, CancellationToken cancellation)
    {
        var account = Read(format, plan, mask.Options, cancellation);
        screen.Line($"mask_semantics: {mask.Name}");
        if (show > 0)
        {
            var samples = new SampleScreen(screen, format.Tokenizer);
            samples.Legend();
            var masks = new LossMask(format.Tokenizer, format.Template, mask.Options);
            var number = 0;
            foreach (var conversation in Spread(account.Conversations, show))
            {
                var (rows, problem) = Rows(conversation, masks, mask.Options);
                foreach (var row in rows.Take(show - number)) samples.Show(++number, row, ConversationTokenizer.WhyDropped(row, mask.Options));
                if (rows.Count == 0) samples.ShowNothing(++number, conversation.Source, problem);
            }
        }
        Summary(screen, account, histogram: show == 0);
        screen.Line();
    }

    static (IReadOnlyList<TokenizedConversation> Rows, string Problem) Rows(Conversation conversation, LossMask masks, LossMaskOptions options)
    {
        try
        {
            return (masks.Rows(conversation), ConversationTokenizer.WhyNothing(conversation, options));
        }
        catch (AerieException problem)
        {
            return ([], ConversationTokenizer.Refused(conversation, problem));
        }
    }

    static void Summary(Screen screen, Account account, bool histogram)
    {
        var report = account.Report;
        screen.Line(Text($"conversations     {report.Read:#,0} read, {report.Kept:#,0} rows kept, {report.Cut:#,0} cut"));
        foreach (var (reason, count) in report.Dropped) screen.Line(Text($"dropped           {count:#,0}: {reason}"));
        screen.Line(Text($"tokens            {report.Tokens:#,0}, {report.Supervised:#,0} supervised ({report.SupervisedShare:0.0%})"));
        screen.Line(Text($"longest           {report.Longest:#,0} tokens: {report.LongestSource}"));
        if (report.Domains.Keys.Any(d => d.Length > 0)) screen.Line($"by domain         {string.Join(", ", report.Domains.Select(d => Text($"{(d.Key.Length > 0 ? d.Key : "none")} {d.Value:#,0}")))} supervised tokens");
        if (report.Supervised > 0 && account.Coverage.ToList() is { Count: > 0 } sizes) screen.Line($"draft vocabulary  {string.Join(", ", sizes.Select(c => Text($"{c.Size:#,0} tokens say {c.Share:0.0%}")))} of what is supervised");
        if (!histogram || report.Lengths.Count == 0) return;
        screen.Line("\nrows by length, before the cut");
        var most = report.Lengths.Values.Max();
        foreach (var (from, count) in report.Lengths) screen.Line(Text($"{from,9:#,0} - {Math.Max(0, 2 * from - 1),-9:#,0} {count,9:#,0}  {new string('#', (int)Math.Ceiling(40.0 * count / most))}"));
    }

    static void Write(Utf8JsonWriter json, Account account)
    {
        var report = account.Report;
        json.WriteNumber("conversations", report.Read);
        json.WriteNumber("rows", report.Kept);
        json.WriteNumber("cut", report.Cut);
        json.WriteNumber("tokens", report.Tokens);
        json.WriteNumber("supervised_tokens", report.Supervised);
        json.WriteNumber("longest", report.Longest);
        json.WriteString("longest_source", report.LongestSource);
        json.WriteStartObject("dropped");
        foreach (var (reason, count) in report.Dropped) json.WriteNumber(reason, count);
        json.WriteEndObject();
        json.WriteStartObject("supervised_tokens_by_domain");
        foreach (var (domain, count) in report.Domains) json.WriteNumber(domain, count);
        json.WriteEndObject();
        json.WriteStartObject("draft_vocabulary_coverage");
        foreach (var (size, share) in account.Coverage) json.WriteNumber(size.ToString(CultureInfo.InvariantCulture), share);
        json.WriteEndObject();
        json.WriteStartObject("rows_by_length");
        foreach (var (from, count) in report.Lengths) json.WriteNumber(from.ToString(CultureInfo.InvariantCulture), count);
        json.WriteEndObject();
    }

    static void Write(Utf8JsonWriter json, Conversation conversation, LossMask masks, LossMaskOptions options, Tokenizer tokenizer)
    {
        var (rows, problem) = Rows(conversation, masks, options);
        json.WriteStartObject();
        json.WriteString("source", conversation.Source);
        if (conversation.Domain is { } domain) json.WriteString("domain", domain);
        if (rows.Count == 0) json.WriteString("dropped", problem);
        json.WriteStartArray("rows");
        foreach (var row in rows)
        {
            json.WriteStartObject();
            if (ConversationTokenizer.WhyDropped(row, options) is { } reason) json.WriteString("dropped", reason);
            json.WriteNumber("tokens_before_cut", row.FullLength);
            json.WriteStartArray("input_ids");
            foreach (var id in row.Ids) json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("loss_mask");
            foreach (var supervised in row.LossMask) json.WriteNumberValue(supervised ? 1 : 0);
            json.WriteEndArray();
            json.WriteStartArray("pieces");
            foreach (var piece in SamplePieces.Of(row, tokenizer))
            {
                json.WriteStartObject();
                json.WriteString("text", piece.Text);
                json.WriteNumber("tokens", piece.Tokens);
                json.WriteBoolean("supervised", piece.Supervised);
                json.WriteBoolean("special", piece.Special);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
