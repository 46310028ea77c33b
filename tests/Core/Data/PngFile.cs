using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace DistNet.Tests.Data;

/// <summary>Makes PNG files to test with.</summary>
internal static class PngFile
{
    /// <summary>A grey image of 8 bits.</summary>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="pixel">The value at a row and a column.</param>
    public static byte[] Grey(int height, int width, Func<int, int, byte> pixel) =>
        Of(height, width, depth: 8, colour: 0, interlaced: false, [.. Enumerable.Range(0, height).SelectMany(row => Enumerable.Range(0, width).Select(column => pixel(row, column)).Prepend((byte)0))]);

    /// <summary>An image by its lines.</summary>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="depth">Bits of a channel.</param>
    /// <param name="colour">The format's number for the channels.</param>
    /// <param name="interlaced">Whether the lines come in seven passes.</param>
    /// <param name="lines">The lines, each behind the byte of its filter.</param>
    public static byte[] Of(int height, int width, byte depth, byte colour, bool interlaced, byte[] lines)
    {
        using MemoryStream packed = new();
        using (ZLibStream zip = new(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zip.Write(lines);
        }

        byte[] header = [.. BigEndian(width), .. BigEndian(height), depth, colour, 0, 0, (byte)(interlaced ? 1 : 0)];
        return [0x89, .. "PNG\r\n\u001a\n"u8, .. Chunk("IHDR", header), .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", [])];
    }

    private static byte[] Chunk(string type, byte[] content)
    {
        byte[] named = [.. Encoding.ASCII.GetBytes(type), .. content];
        return [.. BigEndian(content.Length), .. named, .. BigEndian((int)Crc32.HashToUInt32(named))];
    }

    private static byte[] BigEndian(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
