using System.Collections.Immutable;
using DistNet.Checkpoints;
using DistNet.Optimizers;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Interchange;

/// <summary>A trained model as files for other programs, under PyTorch's names and in its layouts: <c>fc1.weight</c> is [out, in].</summary>
public static class ModelExport
{
    /// <summary>The end of the name of a BatchNorm's running mean.</summary>
    internal const string RunningMean = ".running_mean";

    /// <summary>The end of the name that PyTorch gives the number of batches beside it.</summary>
    internal const string BatchCount = ".num_batches_tracked";

    private static readonly ImmutableDictionary<string, string> SlotNames = ImmutableDictionary.CreateRange<string, string>(
    [
        new("momentum", "momentum_buffer"), new("firstMoment", "exp_avg"), new("secondMoment", "exp_avg_sq"),
    ]);

    /// <summary>Writes parameters and running statistics as a safetensors file, which <c>load_state_dict(strict=True)</c> of a PyTorch module with the same names takes as it is.
    /// What is no parameter stands in the header's metadata: see <see cref="ModelMetadata"/>, and <c>normalization.mean</c> and <c>normalization.deviation</c> where inputs are normalised.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="model">The model.</param>
    public static void WriteSafetensors(Stream stream, TrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        Write(stream, model.Parameters, model.Updates, Metadata(model.Info));
    }

    /// <summary>Writes parameters as <see cref="WriteSafetensors"/> does, without a model's metadata.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="updates">The number of updates that made them.</param>
    public static void WriteParameters(Stream stream, Arena parameters, long updates) => Write(stream, parameters, updates, ImmutableDictionary<string, string>.Empty);

    /// <summary>Writes parameters and running statistics as numpy's archive of arrays; with them <c>normalization.mean</c> and <c>normalization.deviation</c> where inputs are normalised.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="model">The model.</param>
    public static void WriteNpz(Stream stream, TrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        NpzWriter.Write(stream, [.. SafetensorsFile.Tensors(model.Parameters), .. NormalizationTensors.Of(model.Info.Normalization)], []);
    }

    /// <summary>Writes the optimizer's state as a safetensors file, under PyTorch's words: <c>fc1.weight.exp_avg</c>, <c>fc1.weight.exp_avg_sq</c> (Adam, AdamW) or
    /// <c>fc1.weight.momentum_buffer</c> (SGD); the number of updates, PyTorch's <c>step</c>, is the number <c>step</c>.
    /// An average of the weights is no part of it: it is the model.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <exception cref="DistNetException">Its optimizer has no state.</exception>
    public static void WriteOptimizer(Stream stream, Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ImmutableArray<KeyValuePair<string, Arena>> slots = [.. checkpoint.Slots.Where(slot => slot.Key != WeightAverage.SlotName).OrderBy(slot => slot.Key, StringComparer.Ordinal)];
        if (slots.IsEmpty)
        {
            throw DistNetException.BadInput("The optimizer has no state to export: SGD without momentum keeps none.");
        }

        ImmutableArray<NamedTensor> tensors =
        [
            .. from slot in slots
               from entry in slot.Value.Layout.Entries
               where entry.IsTrained
               select new NamedTensor($"{entry.Name}.{SlotName(slot.Key)}", entry.Shape, slot.Value.Memory.Slice(entry.Offset, entry.Length)),
        ];
        SafetensorsFile.Write(stream, tensors, [new NamedNumber("step", checkpoint.State.Updates)], ImmutableDictionary<string, string>.Empty);
    }

    private static void Write(Stream stream, Arena parameters, long updates, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        SafetensorsFile.Write(stream, SafetensorsFile.Tensors(parameters), BatchCounts(parameters.Layout, updates), metadata);
    }

    /// <summary>What PyTorch calls a slot of an optimizer.</summary>
    internal static string SlotName(string slot) => SlotNames.GetValueOrDefault(slot, slot);

    private static Dictionary<string, string> Metadata(ModelInfo info)
    {
        Dictionary<string, string> metadata = new(ModelMetadata.Of(info));
        foreach (NamedTensor constants in NormalizationTensors.Of(info.Normalization))
        {
            metadata[constants.Name] = ModelMetadata.List(constants);
        }

        return metadata;
    }

    // What PyTorch keeps beside the running statistics of a BatchNorm: the batches they were averaged over.
    private static ImmutableArray<NamedNumber> BatchCounts(Layout layout, long updates) =>
    [
        .. layout.Entries.Where(entry => entry.Name.EndsWith(RunningMean, StringComparison.Ordinal)).Select(entry => new NamedNumber(entry.Name[..^RunningMean.Length] + BatchCount, updates)),
    ];
}
