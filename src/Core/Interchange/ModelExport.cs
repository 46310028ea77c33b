using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Interchange;

/// <summary>A trained model as files for other programs, under PyTorch's names and in its layouts: <c>fc1.weight</c> is [out, in].</summary>
public static class ModelExport
{
    private static readonly ImmutableDictionary<string, string> SlotNames = ImmutableDictionary.CreateRange<string, string>(
    [
        new("momentum", "momentum_buffer"), new("firstMoment", "exp_avg"), new("secondMoment", "exp_avg_sq"),
    ]);

    /// <summary>Writes the parameters as a safetensors file, which <c>load_state_dict(strict=True)</c> of a PyTorch module with the same names takes as it is.
    /// What is no parameter stands in the header's metadata, each as JSON: <c>input_shape</c>, <c>class_names</c>, <c>feature_names</c>, and <c>normalization.mean</c> and
    /// <c>normalization.deviation</c> where inputs are normalised.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="model">The model.</param>
    public static void WriteSafetensors(Stream stream, TrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        SafetensorsFile.Write(stream, SafetensorsFile.Tensors(model.Parameters, ""), [], Metadata(model.Info));
    }

    /// <summary>Writes the parameters as numpy's archive of arrays; with them <c>normalization.mean</c> and <c>normalization.deviation</c> where inputs are normalised.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="model">The model.</param>
    public static void WriteNpz(Stream stream, TrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        NpzFile.Write(stream, [.. SafetensorsFile.Tensors(model.Parameters, ""), .. Normalization(model.Info.Normalization)], []);
    }

    /// <summary>Writes the optimizer's state as a safetensors file, under PyTorch's words: <c>fc1.weight.exp_avg</c>, <c>fc1.weight.exp_avg_sq</c> (Adam, AdamW) or
    /// <c>fc1.weight.momentum_buffer</c> (SGD); the number of updates, PyTorch's <c>step</c>, is the number <c>step</c>.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <exception cref="DistNetException">Its optimizer has no state.</exception>
    public static void WriteOptimizer(Stream stream, Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        if (checkpoint.Slots.Count == 0)
        {
            throw DistNetException.BadInput("The optimizer has no state to export: SGD without momentum keeps none.");
        }

        ImmutableArray<NamedTensor> tensors =
        [
            .. from slot in checkpoint.Slots.OrderBy(slot => slot.Key, StringComparer.Ordinal)
               from entry in slot.Value.Layout.Entries
               where entry.IsTrained
               select new NamedTensor($"{entry.Name}.{SlotName(slot.Key)}", entry.Shape, slot.Value.Memory.Slice(entry.Offset, entry.Length)),
        ];
        SafetensorsFile.Write(stream, tensors, [new NamedNumber("step", checkpoint.State.Updates)], ImmutableDictionary<string, string>.Empty);
    }

    /// <summary>What PyTorch calls a slot of an optimizer.</summary>
    internal static string SlotName(string slot) => SlotNames.GetValueOrDefault(slot, slot);

    private static ImmutableArray<NamedTensor> Normalization(NormalizationStatistics? statistics) => statistics is null
        ? []
        :
        [
            new("normalization.mean", new Shape(statistics.Mean.Length), statistics.Mean.AsMemory()),
            new("normalization.deviation", new Shape(statistics.Deviation.Length), statistics.Deviation.AsMemory()),
        ];

    private static Dictionary<string, string> Metadata(ModelInfo info)
    {
        Dictionary<string, string> metadata = new()
        {
            ["input_shape"] = JsonSerializer.Serialize(info.InputShape.Dimensions.AsEnumerable(), MetadataJson.Default.IEnumerableInt32),
            ["class_names"] = JsonSerializer.Serialize(info.ClassNames.AsEnumerable(), MetadataJson.Default.IEnumerableString),
            ["feature_names"] = JsonSerializer.Serialize(info.FeatureNames.AsEnumerable(), MetadataJson.Default.IEnumerableString),
        };
        foreach (NamedTensor constants in Normalization(info.Normalization))
        {
            metadata[constants.Name] = JsonSerializer.Serialize(MemoryMarshal.ToEnumerable(constants.Values), MetadataJson.Default.IEnumerableSingle);
        }

        return metadata;
    }
}

/// <summary>The lists in the metadata of a file.</summary>
[JsonSerializable(typeof(IEnumerable<int>))]
[JsonSerializable(typeof(IEnumerable<float>))]
[JsonSerializable(typeof(IEnumerable<string>))]
internal sealed partial class MetadataJson : JsonSerializerContext;
