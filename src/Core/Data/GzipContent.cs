using System.IO.Compression;

namespace DistNet.Data;

/// <summary>The unpacked content of a gzip file, whose end is reached only if the file is whole.</summary>
/// <remarks><see cref="GZipStream"/> verifies checksums, but takes a truncated file for a short one and passes over bytes that follow. So the file is read
/// as if one more gzip member, the seal, stood behind it: it comes out unbroken exactly if the members before it ended where the file ends. The seal's content
/// is held back from the reader.</remarks>
internal sealed class GzipContent : Stream
{
    private static readonly byte[] SealContent = "distnet-gzip-seal"u8.ToArray();
    private static readonly byte[] Seal = Pack(SealContent);

    private readonly string path;
    private readonly SealedInput input;
    private readonly GZipStream unpacked;
    private byte[] buffer = new byte[1 << 16];
    private int start;
    private int end;
    private bool isWhole;

    public GzipContent(string path, Stream file)
    {
        this.path = path;
        input = new SealedInput(file);
        unpacked = new GZipStream(input, CompressionMode.Decompress);
    }

    // The last bytes of what was unpacked so far may be the seal.
    private int Held => isWhole ? 0 : SealContent.Length;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> destination)
    {
        if (end - start <= Held && !destination.IsEmpty && !isWhole)
        {
            Fill();
        }

        int count = Math.Min(destination.Length, Math.Max(end - start - Held, 0));
        buffer.AsSpan(start, count).CopyTo(destination);
        start += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            unpacked.Dispose();
        }

        base.Dispose(disposing);
    }

    // Unpacks until there is more than what is held back. What comes after the seal was handed to the unpacker may be the seal's bytes taken for
    // compressed data, so it is given out only once the seal has come out whole; at the most that is 1,032 times the seal's length.
    private void Fill()
    {
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        (start, end) = (0, end - start);
        while (end <= SealContent.Length || input.SealWasRead)
        {
            if (end == buffer.Length)
            {
                Array.Resize(ref buffer, 2 * buffer.Length);
            }

            int count = Unpack(buffer.AsSpan(end));
            if (count == 0)
            {
                CheckSeal();
                end -= SealContent.Length;
                isWhole = true;
                return;
            }

            end += count;
        }
    }

    private int Unpack(Span<byte> destination)
    {
        try
        {
            return unpacked.Read(destination);
        }
        catch (InvalidDataException error)
        {
            throw input.SealWasRead
                ? Truncated(error)
                : DistNetException.BadInput($"The gzip file '{path}' is damaged: its compressed data or its checksum is wrong.", error);
        }
    }

    private void CheckSeal()
    {
        if (!buffer.AsSpan(0, end).EndsWith(SealContent))
        {
            throw input.SealWasRead
                ? Truncated(null)
                : DistNetException.BadInput($"The gzip file '{path}' has other bytes behind its compressed data; expected the file to end there.");
        }
    }

    private DistNetException Truncated(Exception? error) =>
        DistNetException.BadInput($"The gzip file '{path}' is truncated or damaged: it ends inside its compressed data.", error);

    private static byte[] Pack(byte[] content)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.NoCompression))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    // The file's bytes, then the seal's; never both in one read.
    private sealed class SealedInput(Stream file) : Stream
    {
        private int sealPosition;

        public bool SealWasRead => sealPosition > 0;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> destination)
        {
            int count = sealPosition > 0 ? 0 : file.Read(destination);
            if (count == 0)
            {
                count = Math.Min(destination.Length, Seal.Length - sealPosition);
                Seal.AsSpan(sealPosition, count).CopyTo(destination);
                sealPosition += count;
            }

            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
