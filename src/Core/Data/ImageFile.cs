using System.Buffers.Binary;
using System.IO.Hashing;
using StbImageSharp;

namespace DistNet.Data;

/// <summary>One PNG or JPEG file, decoded to bytes. The library decodes; what it does not check is checked before it sees a byte: a PNG's chunks and their checksums, a JPEG's end, and
/// a size that the file can hold.</summary>
/// <remarks>Transparency is left out, 16 bits are cut to the upper 8, the orientation that a camera notes is not followed. Grey is
/// (19595 R + 38470 G + 7471 B + 32768) / 65536, rounded down: ITU-R 601 in fixed point, as Pillow has it.</remarks>
internal static class ImageFile
{
    /// <summary>The largest file read, 256 MiB.</summary>
    public const long MaximumBytes = 1L << 28;

    /// <summary>The most pixels of an image.</summary>
    public const long MaximumPixels = 1L << 26;

    /// <summary>The most pixels for each byte of the file, besides <see cref="FreePixels"/>: more than deflate's 1,032 bytes and a JPEG's emptiest blocks need, and an end to a lie.</summary>
    public const long MaximumPixelsPerByte = 1100;

    private const long FreePixels = 1 << 16;

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>An image as decoded.</summary>
    /// <param name="Height">Rows.</param>
    /// <param name="Width">Columns.</param>
    /// <param name="Pixels">[channels, height, width], row-major.</param>
    internal readonly record struct Image(int Height, int Width, byte[] Pixels);

    /// <summary>Reads and decodes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="channels">3 or 1.</param>
    /// <exception cref="DistNetException">It is missing, no whole PNG or JPEG file, or too large.</exception>
    public static Image Read(string path, int channels)
    {
        byte[] bytes = ReadBytes(path);
        string? wrong = bytes.AsSpan().StartsWith(PngSignature) ? FindPngFault(bytes)
            : bytes is [0xFF, 0xD8, ..] ? FindJpegFault(bytes)
            : "it begins with the bytes of neither a PNG nor a JPEG file";
        if (wrong is not null)
        {
            throw Bad(path, wrong);
        }

        using EndingStream stream = new(bytes);
        ImageInfo info;
        ImageResult result;
        try
        {
            info = ImageInfo.FromStream(stream) ?? throw Bad(path, "its header is not understood");
            long pixels = (long)info.Width * info.Height;
            if (info.Width < 1 || info.Height < 1 || pixels > MaximumPixels || pixels > FreePixels + (MaximumPixelsPerByte * bytes.Length))
            {
                throw Bad(path, $"its header says {DataFile.Shown(info.Height)} × {DataFile.Shown(info.Width)} pixels in a file of {DataFile.Shown(bytes.Length)} bytes");
            }

            stream.Position = 0;
            result = ImageResult.FromStream(stream, ColorComponents.RedGreenBlue);
        }
        catch (Exception error) when (error is not (DistNetException or OutOfMemoryException))
        {
            throw Bad(path, $"it cannot be decoded ({error.Message.TrimEnd('.')})", error);
        }

        int length = result.Width * result.Height;
        if (result.Width != info.Width || result.Height != info.Height || result.Data.Length != 3 * length)
        {
            throw Bad(path, "its header contradicts itself");
        }

        return new Image(result.Height, result.Width, Planes(result.Data, length, channels));
    }

    private static byte[] ReadBytes(string path)
    {
        using DataFile file = DataFile.Open(path);
        if (file.FileBytes > MaximumBytes)
        {
            throw Bad(path, $"it has {DataFile.Shown(file.FileBytes)} bytes, expected at most {DataFile.Shown(MaximumBytes)}");
        }

        byte[] bytes = new byte[file.FileBytes];
        int read = file.File.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return read == bytes.Length ? bytes : throw Bad(path, "it became shorter while it was read");
    }

    // From pixel by pixel to plane by plane.
    private static byte[] Planes(byte[] pixels, int length, int channels)
    {
        byte[] planes = new byte[channels * length];
        for (int i = 0; i < length; i++)
        {
            (byte red, byte green, byte blue) = (pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]);
            if (channels == 1)
            {
                planes[i] = (byte)(((19595 * red) + (38470 * green) + (7471 * blue) + 32768) >> 16);
            }
            else
            {
                (planes[i], planes[length + i], planes[(2 * length) + i]) = (red, green, blue);
            }
        }

        return planes;
    }

    // Signature, then chunks: length, type, content, checksum over type and content; the last is IEND.
    private static string? FindPngFault(ReadOnlySpan<byte> bytes)
    {
        int place = PngSignature.Length;
        while (true)
        {
            if (bytes.Length - place < 12)
            {
                return "it is truncated: it ends before its last chunk";
            }

            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[place..]);
            if (length > bytes.Length - place - 12)
            {
                return $"the chunk at byte {DataFile.Shown(place)} has {DataFile.Shown(length)} bytes, more than are there";
            }

            ReadOnlySpan<byte> chunk = bytes.Slice(place + 4, 4 + (int)length);
            if (Crc32.HashToUInt32(chunk) != BinaryPrimitives.ReadUInt32BigEndian(bytes[(place + 8 + (int)length)..]))
            {
                return $"the checksum of the chunk at byte {DataFile.Shown(place)} is wrong";
            }

            if (place == PngSignature.Length && !(chunk.StartsWith("IHDR"u8) && length == 13))
            {
                return "it does not begin with a chunk IHDR of 13 bytes";
            }

            place += 12 + (int)length;
            if (chunk.StartsWith("IEND"u8))
            {
                return null;
            }
        }
    }

    private static string? FindJpegFault(ReadOnlySpan<byte> bytes) =>
        bytes.TrimEnd((byte)0) is [.., 0xFF, 0xD9] ? null : "it does not end with the marker FF D9 (is it truncated?)";

    // The library reads zeros behind a file's end and would look there for a marker for ever: after some of them it is told.
    private sealed class EndingStream(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        private const int MostReadsAtEnd = 1024;

        private int readsAtEnd;

        public override int ReadByte() => Count(base.ReadByte(), -1);

        public override int Read(byte[] buffer, int offset, int count) => Count(base.Read(buffer, offset, count), 0);

        public override int Read(Span<byte> buffer) => Count(base.Read(buffer), 0);

        private int Count(int read, int end) => read != end || ++readsAtEnd <= MostReadsAtEnd ? read : throw new EndOfStreamException("it ends too early");
    }

    private static DistNetException Bad(string path, string found, Exception? error = null) =>
        DistNetException.BadInput($"The image '{path}' is not used: {found}; expected a whole PNG or JPEG file.", error);
}
