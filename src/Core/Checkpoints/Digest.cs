using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Checkpoints;

/// <summary>The digests by which two results are compared: lower-case hexadecimal SHA-256.</summary>
public static class Digest
{
    private const int CanonicalFloatNaN = 0x7FC00000;
    private const long CanonicalDoubleNaN = 0x7FF8000000000000;

    /// <summary>The digest of parameters: their float32 little-endian bytes in layout order, padding and buffers left out, every NaN as 0x7FC00000; nothing else.</summary>
    public static string Parameters(Arena parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ParameterEntry entry in parameters.Layout.Parameters)
        {
            Append(hash, parameters[entry]);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The state digest of a checkpoint: of everything that later steps depend on.</summary>
    public static string State(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return State(checkpoint.State, checkpoint.Parameters, checkpoint.Slots, checkpoint.Best, NormalizationTensors.Of(checkpoint.Model.Normalization));
    }

    /// <summary>The state digest.</summary>
    /// <remarks>
    /// The hashed bytes, in this order: the text <c>distnet state 1</c>; the text <c>parameters</c> and the parameters; for every slot, in ordinal order of the names,
    /// <c>slot</c>, its name and its values; if there are best parameters, <c>best</c> and they; for every tensor of the inputs' normalisation, in ordinal order of the names,
    /// <c>buffer</c>, its name and its values; <c>state</c> and the fields of <see cref="TrainingState"/> in the order of their declaration. A text is its length in UTF-8 bytes
    /// (int32) and those; an arena is its parameters and buffers in layout order (a slot has no buffers), each its name and values; values are their number (int32) and float32s, every NaN as 0x7FC00000; a whole number is an
    /// int64, a truth value the int64 0 or 1, a double its bits with NaN as 0x7FF8000000000000. All little-endian.
    /// </remarks>
    public static string State(
        TrainingState state, Arena parameters, IReadOnlyDictionary<string, Arena> slots, Arena? best, ImmutableArray<NamedTensor> normalization)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(slots);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "distnet state 1");
        Append(hash, "parameters");
        Append(hash, parameters, parameters.Layout.Entries);
        foreach ((string name, Arena values) in slots.OrderBy(slot => slot.Key, StringComparer.Ordinal))
        {
            Append(hash, "slot");
            Append(hash, name);
            Append(hash, values, values.Layout.Parameters);
        }

        if (best is not null)
        {
            Append(hash, "best");
            Append(hash, best, best.Layout.Entries);
        }

        foreach (NamedTensor buffer in normalization.OrderBy(buffer => buffer.Name, StringComparer.Ordinal))
        {
            Append(hash, "buffer");
            Append(hash, buffer.Name);
            Append(hash, buffer.Values.Length);
            Append(hash, buffer.Values.Span);
        }

        Append(hash, "state");
        Append(hash, state);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, TrainingState state)
    {
        Append(hash, state.Step);
        Append(hash, (long)state.Epoch);
        Append(hash, (long)state.StepInEpoch);
        Append(hash, state.SkippedSteps);
        Append(hash, state.Updates);
        Append(hash, state.Beta1Power);
        Append(hash, state.Beta2Power);
        Append(hash, state.PlateauFactor);
        Append(hash, state.PlateauBestLoss);
        Append(hash, (long)state.PlateauBadEpochs);
        Append(hash, state.BestLoss);
        Append(hash, (long)state.BestEpoch);
        Append(hash, (long)state.EpochsSinceBest);
        Append(hash, state.StoppedEarly ? 1L : 0L);
        Append(hash, state.EpochSums.Loss);
        Append(hash, state.EpochSums.Weight);
        Append(hash, state.EpochSums.Samples);
        Append(hash, state.EpochSums.Correct);
        Append(hash, state.LastTrainLoss);
        Append(hash, state.LastTrainAccuracy);
        Append(hash, state.LastValidationLoss);
        Append(hash, state.LastValidationAccuracy);
    }

    private static void Append(IncrementalHash hash, Arena arena, ImmutableArray<ParameterEntry> entries)
    {
        foreach (ParameterEntry entry in entries)
        {
            Append(hash, entry.Name);
            Append(hash, entry.Length);
            Append(hash, arena[entry]);
        }
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<float> values)
    {
        Span<float> copy = stackalloc float[1024];
        while (!values.IsEmpty)
        {
            ReadOnlySpan<float> part = values[..Math.Min(values.Length, copy.Length)];
            hash.AppendData(FloatBytes.Of(HasNaN(part) ? Canonical(part, copy) : part));
            values = values[part.Length..];
        }
    }

    private static bool HasNaN(ReadOnlySpan<float> values)
    {
        bool found = false;
        foreach (float value in values)
        {
            found |= float.IsNaN(value);
        }

        return found;
    }

    private static ReadOnlySpan<float> Canonical(ReadOnlySpan<float> values, Span<float> copy)
    {
        for (int i = 0; i < values.Length; i++)
        {
            copy[i] = float.IsNaN(values[i]) ? BitConverter.Int32BitsToSingle(CanonicalFloatNaN) : values[i];
        }

        return copy[..values.Length];
    }

    private static void Append(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Append(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void Append(IncrementalHash hash, double value) =>
        Append(hash, double.IsNaN(value) ? CanonicalDoubleNaN : BitConverter.DoubleToInt64Bits(value));

    private static void Append(IncrementalHash hash, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }

    private static void Append(IncrementalHash hash, long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }
}
