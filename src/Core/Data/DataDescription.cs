using System.Collections.Immutable;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Data;

/// <summary>The data of a run, described for workers: the files, what they must contain, and what the coordinator computed from them.</summary>
/// <param name="Files">The files, one for each that the job names.</param>
/// <param name="Fingerprint">The fingerprint of the loaded data (<see cref="LoadedData.Fingerprint"/>): decides whether a copy is the same data.</param>
/// <param name="Normalization">Mean and deviation of the training split; null where inputs are not normalised.</param>
public sealed record DataDescription(ImmutableArray<DataFileInfo> Files, string Fingerprint, NormalizationStatistics? Normalization)
{
    /// <summary>Checks what came from the wire against the job.</summary>
    /// <param name="options">The job's <c>data</c> section.</param>
    /// <exception cref="DistNetException">The files are not those of the job, or a value is none.</exception>
    public void Check(DataOptions options)
    {
        ImmutableArray<(string Key, string Name)> wanted = DataFileKeys.Of(options);
        if (!Files.Select(file => file.Key).SequenceEqual(wanted.Select(file => file.Key)))
        {
            throw DistNetException.BadInput(
                $"The coordinator describes {Files.Length} data files that are not those of its job; expected {string.Join(", ", wanted.Select(file => file.Key))}.");
        }

        foreach (DataFileInfo file in Files)
        {
            file.Check();
        }

        if (!DataFileInfo.IsSha256(Fingerprint))
        {
            throw DistNetException.BadInput("The coordinator's fingerprint of the data is not 64 lower-case hexadecimal digits.");
        }
    }

    /// <summary>Checks the normalisation that came from the wire against the job and the loaded inputs.</summary>
    /// <param name="options">The job's <c>data</c> section.</param>
    /// <param name="inputShape">The shape of one sample's input.</param>
    /// <exception cref="DistNetException">It does not fit, or a value is none.</exception>
    public void CheckNormalization(DataOptions options, Shape inputShape)
    {
        ArgumentNullException.ThrowIfNull(options);
        int channels = inputShape.Rank == 3 ? inputShape[0] : 1;
        int expected = options.Normalize switch { NormalizeMode.Feature => inputShape.Length, NormalizeMode.Channel => channels, _ => 0 };
        bool fits = Normalization is null
            ? expected == 0
            : Normalization.Mode == options.Normalize && Normalization.Mean.Length == expected && Normalization.Deviation.Length == expected
                && Normalization.Mean.All(float.IsFinite) && Normalization.Deviation.All(value => float.IsFinite(value) && value >= 0);
        if (!fits)
        {
            throw DistNetException.BadInput(
                FormattableString.Invariant($"The coordinator's normalisation does not fit its job and data; expected {expected} finite means and deviations."));
        }
    }
}
