using System.Buffers.Binary;
using System.IO.Compression;

namespace DistNet.Tests.Data;

/// <summary>Makes data files to test with.</summary>
internal static class DataFileMaker
{
    public static byte[] Gzip(byte[] content)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Optimal))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    /// <summary>An IDX file.</summary>
    public static byte[] Idx(byte type, int[] dimensions, byte[] data)
    {
        byte[] header = new byte[4 + (4 * dimensions.Length)];
        header[2] = type;
        header[3] = (byte)dimensions.Length;
        for (int i = 0; i < dimensions.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + (4 * i)), dimensions[i]);
        }

        return [.. header, .. data];
    }

    /// <summary>An IDX file of unsigned bytes 0, 1, 2, ….</summary>
    public static byte[] Idx(params int[] dimensions) =>
        Idx(8, dimensions, [.. Enumerable.Range(0, dimensions.Aggregate(1, (product, dimension) => product * dimension)).Select(i => (byte)i)]);

    public static float[] Inputs(DistNet.Data.Dataset data)
    {
        float[] inputs = new float[data.Count * data.InputShape.Length];
        data.CopyInputs(Enumerable.Range(0, data.Count).ToArray(), inputs);
        return inputs;
    }

    /// <summary>The repository's <c>datasets</c> folder.</summary>
    public static string Datasets()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "DistNet.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("the repository's root");
        }

        return Path.Combine(folder, "datasets");
    }
}
