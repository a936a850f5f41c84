// Draft vocabularies against the choices of NeMo AutoModel, SpecForge and speculators.
using Aerie.Data;

namespace Aerie.Tests.Data;

public class DraftVocabularyTests
{
    public static TheoryData<string> Cases => Golden.Cases("draft_vocabulary");

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_golden_case_chooses_the_same_tokens(string name) => Golden.Check("draft_vocabulary", name);

    [Fact]
    public void A_checkpoints_d2t_gives_its_vocabulary_back()
    {
        var counts = new TokenCounts(10);
        counts.Add([9, 3, 3, 12], [true, true, true, true]);
        var chosen = DraftVocabulary.Choose(counts, 4, DraftVocabularyRule.Automodel, [5, null]);
        Assert.Equal([5, 3, 9, 0], chosen.SelectedIds.ToArray());
        Assert.Equal(chosen.SelectedIds.ToArray(), DraftVocabulary.FromD2T(chosen.D2T, 10).SelectedIds.ToArray());
        Assert.Throws<AerieException>(() => DraftVocabulary.FromD2T([0, -1], 10));
        Assert.Throws<AerieException>(() => DraftVocabulary.FromD2T([long.MaxValue], 10));
        Assert.Throws<AerieException>(() => DraftVocabulary.FromD2T([0, 9], 10));
    }
}
