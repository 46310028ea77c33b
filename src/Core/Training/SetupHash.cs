using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using DistNet.Tensors;

namespace DistNet.Training;

/// <summary>One hash of all that decides a run's bits besides the parameters themselves: two processes with the same hash compute the same gradients.</summary>
/// <remarks>The hashed bytes: the text <c>distnet setup 1</c>, the job's JSON, the parameters' layout (name, shape, role and offset of each, then the arena's length), the data's fingerprint, and
/// mode, means and deviations of the normalisation. A text is its length in UTF-8 bytes (int32) and those; all numbers are little-endian.</remarks>
public static class SetupHash
{
    /// <summary>The hash of a setup: 64 lower-case hexadecimal digits.</summary>
    public static string Of(RunSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "distnet setup 1");
        Append(hash, setup.JobJson);
        foreach (ParameterEntry entry in setup.Graph.Layout.Entries)
        {
            Append(hash, string.Create(CultureInfo.InvariantCulture, $"{entry.Name} {entry.Shape} {entry.Role} {entry.Offset}"));
        }

        Append(hash, setup.Graph.Layout.ArenaLength.ToString(CultureInfo.InvariantCulture));
        Append(hash, setup.Data.Fingerprint);
        if (setup.Data.Normalization is { } normalization)
        {
            Append(hash, normalization.Mode.ToString());
            Append(hash, normalization.Mean.AsSpan());
            Append(hash, normalization.Deviation.AsSpan());
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Append(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    // As this machine stores them: little-endian, as everywhere that .NET's vector instructions run.
    private static void Append(IncrementalHash hash, ReadOnlySpan<float> values)
    {
        Append(hash, values.Length);
        hash.AppendData(MemoryMarshal.AsBytes(values));
    }

    private static void Append(IncrementalHash hash, int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
