// Every kind of golden case that this version computes: one line each, one file each in Kinds/.
namespace Aerie.Parity;

/// <summary>Computes a case through the program's normal code path and compares: one result per recorded quantity.</summary>
public delegate IEnumerable<ParityResult> ParityKind(CaseFolder folder);

/// <summary>The kinds by name.</summary>
public static class ParityKinds
{
    /// <summary>`kind` of case.json -> what computes it.</summary>
    public static readonly IReadOnlyDictionary<string, ParityKind> All = new Dictionary<string, ParityKind>
    {
        ["chat_template"] = Kinds.ChatTemplateKind.Run,
        ["decoding"] = Kinds.DecodingKind.Run,
        ["draft_vocabulary"] = Kinds.DraftVocabularyKind.Run,
        ["drafter_forward"] = Kinds.DrafterForwardKind.Run,
        ["eagle3_step"] = Kinds.Eagle3Step.Run,
        ["hostile_file"] = Kinds.HostileFileKind.Run,
        ["hub"] = Kinds.HubKind.Run,
        ["loss_mask"] = Kinds.LossMaskKind.Run,
        ["model"] = Kinds.ModelKind.Run,
        ["lr_schedule"] = Kinds.LearningRateKind.Run,
        ["safetensors"] = Kinds.SafetensorsKind.Run,
        ["tokenizer"] = Kinds.TokenizerKind.Run,
        ["training_run"] = Kinds.TrainingRun.Run,
    };
}
