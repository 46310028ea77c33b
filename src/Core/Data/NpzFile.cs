using System.IO.Compression;
using System.IO.Hashing;

namespace DistNet.Data;

/// <summary>An npz file of NumPy's: a zip file whose members <c>NAME.npy</c> are arrays, packed or not.</summary>
internal static class NpzFile
{
    // The most that deflate unpacks from one byte.
    private const long MostUnpacked = 1032;

    private const string Ending = ".npy";

    /// <summary>Reads one array.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">The array's name, as given to numpy.savez.</param>
    /// <exception cref="DistNetException">The file is missing or no npz file, has no such array, or it is damaged.</exception>
    public static NpyArray Read(string path, string name)
    {
        // For the sentences about a file that is missing, a folder or a pipe.
        using DataFile file = DataFile.Open(path);
        string shown = $"{path}[{name}]";
        try
        {
            using ZipArchive zip = new(file.File, ZipArchiveMode.Read, leaveOpen: true);
            ZipArchiveEntry[] entries = [.. zip.Entries.Where(entry => entry.FullName == name + Ending)];
            if (entries.Length != 1)
            {
                string[] names = [.. zip.Entries.Where(entry => entry.FullName.EndsWith(Ending, StringComparison.Ordinal)).Select(entry => entry.FullName[..^Ending.Length])];
                throw DistNetException.BadInput($"The npz file '{path}' has {(entries.Length == 0 ? "no" : "more than one")} array '{DataFile.Shown(System.Text.Encoding.UTF8.GetBytes(name))}'{NearestName.Hint(name, [.. names])}{(names.Length is 0 or > 12 ? "." : "")}");
            }

            long most = Math.Min(entries[0].Length, MostUnpacked * Math.Min(entries[0].CompressedLength, file.FileBytes));
            using ChecksumStream content = new(entries[0].Open());
            NpyArray array = NpyArray.Read(content, shown, most);
            return content.Sum == entries[0].Crc32 ? array : throw Damaged(path, "the checksum of its array is wrong", null);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or NotSupportedException or ArgumentException or OverflowException)
        {
            throw Damaged(path, error.Message.TrimEnd('.'), error);
        }
    }

    private static DistNetException Damaged(string path, string why, Exception? error) =>
        DistNetException.BadInput($"The file '{path}' is no whole npz file, or is damaged: {why}.", error);

    // Sums what passes; ZipArchive does not compare it.
    private sealed class ChecksumStream(Stream inner) : Stream
    {
        private readonly Crc32 sum = new();

        public uint Sum => sum.GetCurrentHashAsUInt32();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> destination)
        {
            int count = inner.Read(destination);
            sum.Append(destination[..count]);
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
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
