using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>SHA-256 of a dataset's content, so that a resume notices changed data. Numbers are hashed as this machine stores them:
/// little-endian, as every machine that .NET's vector instructions run on.</summary>
internal static class DatasetFingerprint
{
    /// <summary>The fingerprint of one dataset.</summary>
    /// <param name="elementType">The inputs' type, as .NET names it.</param>
    /// <param name="inputs">Gives all inputs to the hash, in order.</param>
    /// <param name="count">Samples.</param>
    /// <param name="shape">Of one sample's input.</param>
    /// <param name="labels">Their labels.</param>
    public static string Of(string elementType, Action<IncrementalHash> inputs, int count, Shape shape, SampleLabels labels)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, $"distnet dataset 1\n{elementType} {shape} {count} {labels.TargetWidth}\n");
        inputs(hash);
        hash.AppendData(MemoryMarshal.AsBytes(labels.Labels));
        hash.AppendData(MemoryMarshal.AsBytes(labels.Targets));
        foreach (string name in labels.ClassNames)
        {
            Append(hash, name);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The fingerprint of a run's data: that of its files, split by split.</summary>
    public static string Of(Dataset train, Dataset? validation, Dataset? test, ImmutableArray<FeatureColumn> columns)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "distnet data 1");
        Append(hash, train.Fingerprint);
        Append(hash, validation is null || ReferenceEquals(validation, train) ? "" : validation.Fingerprint);
        Append(hash, test is null ? "" : test.Fingerprint);

        // The features hold the codes of categories, not their texts.
        foreach (FeatureColumn column in columns)
        {
            Append(hash, column.Name);
            foreach (string category in column.Categories)
            {
                Append(hash, category);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // A length before each text, so that no two lists of texts give the same bytes.
    private static void Append(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
