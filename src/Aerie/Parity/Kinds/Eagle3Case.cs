// What the kinds `eagle3_step` and `training_run` share: the drafter, the objective and the batches of a case.
using System.Buffers.Binary;
using Aerie.Drafters;
using Aerie.Formats;
using Aerie.Tensors;
using Aerie.Training;

namespace Aerie.Parity.Kinds;

/// <summary>A case's drafter and batches. Owner of both.</summary>
sealed class Eagle3Case : IDisposable
{
    readonly CaseFolder folder;
    readonly SafetensorsFolder files;
    readonly List<IDisposable> owned = [];
    readonly Precision precision;
    Parameter? head;

    internal Eagle3Case(CaseFolder folder, string batches)
    {
        this.folder = folder;
        if (folder.Text("method", "eagle3") is not "eagle3" and var method) throw folder.NotSupported($"training steps of `{method}`");
        if (folder.Text("semantics") is not ("automodel" or "specforge") and var semantics) throw folder.NotSupported($"the loss semantics `{semantics}`");
        precision = folder.Text("dtype", "float32") == "bfloat16" ? Precision.BF16 : Precision.F32;
        var layout = folder.Text("layout") switch
        {
            "automodel" => Eagle3Layout.AutoModel,
            "specforge" => Eagle3Layout.SpecForge,
            "speculators" => Eagle3Layout.Speculators,
            var other => throw folder.NotSupported($"the layout `{other}`"),
        };
        using (var weights = Eagle3Weights.Open(folder.File("drafter"), layout))
            Drafter = new Eagle3(weights, new Eagle3Use(true, !folder.Flag("freeze_embeddings"), precision));
        owned.Add(Drafter);
        files = SafetensorsFolder.Open(folder.File(batches));
        owned.Add(files);
    }

    internal Eagle3 Drafter { get; }

    internal Eagle3Settings Settings => new()
    {
        TttSteps = folder.Int("ttt_steps"),
        Mask = folder.Text("semantics") == "automodel" ? MaskSemantics.AutoModel : MaskSemantics.SpecForge,
        Normalization = folder.Text("semantics") == "automodel" ? LossNormalization.AutoModel : LossNormalization.SpecForge,
        LossDecay = folder.Number("loss_decay", 0.8),
        Lk = folder.Text("lk_loss_type", "") switch { "" => LkLoss.None, "alpha" => LkLoss.Alpha, "lambda" => LkLoss.Lambda, var other => throw folder.NotSupported($"the LK loss `{other}`") },
        LkScale = folder.Number("lk_kl_scale", 1),
        LkDecay = folder.Number("lk_kl_decay", 3),
        PaddingId = folder.OptionalInt("padding_idx"),
        Windowed = false,
    };

    /// <summary>The batch; of a run: micro-batch <paramref name="index"/>.</summary>
    internal Eagle3Batch Batch(int? index = null)
    {
        var shape = files.Get("input_ids").Shape;
        var (rows, length) = ((int)shape[^2], (int)shape[^1]);
        var packed = folder.Flag("packed");
        return new Eagle3Batch
        {
            Rows = rows,
            Length = length,
            InputIds = Whole("input_ids", index),
            LossMask = Mask("loss_mask", index),
            AttentionMask = Mask("attention_mask", index),
            AuxHiddenStates = Floats("aux_hidden_states", index, rows * length),
            Teacher = Teacher(index, rows * length),
            PositionIds = packed ? Whole("position_ids", index) : default,
            DocumentRemaining = packed ? Whole("doc_remaining", index) : default,
            Documents = packed ? [.. Whole("seq_lens", index).Chunk((int)files.Get("seq_lens").Shape[^1])] : null,
            Frame = folder.Text("frame", "document") == "trainer" ? Eagle3Frame.Trainer : Eagle3Frame.Document,
        };
    }

    Eagle3Teacher Teacher(int? index, int rows)
    {
        switch (folder.Text("supervision", "logits"))
        {
            case "probs":
                return new TargetProbabilities(Floats("target_probs", index, rows), Mask("position_mask", index));
            case "hidden":
                if (head is null) owned.Add(head = new Parameter("target_lm_head", Floats("target_lm_head", null, (int)files.Get("target_lm_head").Shape[0]), false, precision));
                return new TargetHiddenStates(Floats("target_last_hidden", index, rows), head);
            default:
                return new TargetLogits(Floats("target_logits", index, rows));
        }
    }

    Tensor Floats(string name, int? index, int rows)
    {
        var values = Part(files.ReadFloat32(name), name, index);
        var tensor = Tensor.From(values, new Shape(rows, values.Length / rows));
        owned.Add(tensor);
        return tensor;
    }

    int[] Whole(string name, int? index) => Part(Array.ConvertAll(ReadWhole(files, name), n => checked((int)n)), name, index);

    bool[] Mask(string name, int? index) => Array.ConvertAll(Whole(name, index), n => n != 0);

    T[] Part<T>(T[] all, string name, int? index)
    {
        if (index is not { } i) return all;
        var count = all.Length / (int)files.Get(name).Shape[0];
        return all[(i * count)..((i + 1) * count)];
    }

    /// <summary>Tensors that do not fit each other or the drafter are the case's mistake here, not a caller's.</summary>
    internal T Computed<T>(Func<T> compute)
    {
        try
        {
            return compute();
        }
        catch (Exception e) when (e is ArgumentException or OverflowException or KeyNotFoundException or InvalidOperationException)
        {
            throw new AerieException($"{folder.Path}: {e.Message}", "The files of the case do not fit each other.", e);
        }
    }

    /// <summary>A tensor of whole numbers or bools.</summary>
    internal static long[] ReadWhole(SafetensorsFolder files, string name)
    {
        var bytes = files.Bytes(name);
        var values = new long[files.Get(name).Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = files.Get(name).Type switch
            {
                SafetensorsType.I64 => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * i)..]),
                SafetensorsType.I32 => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]),
                SafetensorsType.Bool or SafetensorsType.U8 => bytes[i],
                var type => throw new AerieException($"{files.Path}: tensor {name} of {type.FormatName()} should hold whole numbers"),
            };
        }
        return values;
    }

    public void Dispose()
    {
        for (var i = owned.Count - 1; i >= 0; i--) owned[i].Dispose();
    }
}
