using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace DistNet.Cli.Tests;

/// <summary>A job over sixty points of three classes in the plane: trained in a few milliseconds.</summary>
internal static class TinyJob
{
    public const string Text = """
        data: { train: points.csv, validation: 0.2 }
        model: [{ linear: 8 }, relu, { dropout: 0.1 }, { linear: 3 }]
        optimizer: { kind: adamw, learningRate: 0.05 }
        training: { epochs: 4, batch: 16, slice: 4 }
        checkpoints: { everySeconds: null }
        """;

    public static readonly string[] Classes = ["blue", "green", "red, dark"];

    /// <summary>Writes the job and its data; returns the job's path.</summary>
    public static string Write(Scratch scratch, string text = Text)
    {
        scratch.Write("points.csv", Points(withLabels: true));
        return scratch.Write("job.yaml", text);
    }

    public static string Points(bool withLabels)
    {
        var csv = new StringBuilder(withLabels ? "x,y,colour\n" : "x,y\n");
        for (int i = 0; i < 60; i++)
        {
            int kind = i % 3;
            csv.Append(CultureInfo.InvariantCulture, $"{kind + (i % 7 * 0.1)},{(kind == 1 ? 2 : 0) + (i % 5 * 0.1)}");
            csv.Append(withLabels ? $",\"{Classes[kind]}\"\n" : "\n");
        }

        return csv.ToString();
    }

    /// <summary>An IDX file of bytes.</summary>
    public static byte[] Idx(byte[] content, params int[] dimensions)
    {
        List<byte> file = [0, 0, 8, (byte)dimensions.Length];
        foreach (int dimension in dimensions)
        {
            file.AddRange([(byte)(dimension >> 24), (byte)(dimension >> 16), (byte)(dimension >> 8), (byte)dimension]);
        }

        return [.. file, .. content];
    }

    /// <summary>An npy file.</summary>
    /// <param name="type">numpy's word for the elements' type, <c>|u1</c>.</param>
    /// <param name="shape">Python's tuple, <c>(40, 2)</c>.</param>
    /// <param name="content">The elements' bytes.</param>
    public static byte[] Npy(string type, string shape, byte[] content)
    {
        byte[] header = Encoding.ASCII.GetBytes($"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, .. content];
    }

    public static byte[] Gzip(byte[] content)
    {
        using var stream = new MemoryStream();
        using (var zip = new GZipStream(stream, CompressionLevel.Fastest))
        {
            zip.Write(content);
        }

        return stream.ToArray();
    }
}
