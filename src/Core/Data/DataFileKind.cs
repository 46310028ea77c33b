using System.IO.Compression;

namespace DistNet.Data;

/// <summary>What a data file is.</summary>
public enum DataFileKind
{
    /// <summary>None of the others.</summary>
    Csv,

    /// <summary>A Parquet file.</summary>
    Parquet,

    /// <summary>An IDX file, packed or not.</summary>
    Idx,

    /// <summary>An npy file, packed or not.</summary>
    Npy,

    /// <summary>An npz file (any zip file).</summary>
    Npz,

    /// <summary>A folder.</summary>
    Folder,
}

/// <summary>Finds out what a data file is, by its first bytes.</summary>
public static class DataFileKinds
{
    /// <summary>What a file is; <see cref="DataFileKind.Csv"/> also where it cannot be read: the reader that follows says what is wrong with it.</summary>
    public static DataFileKind Of(string path)
    {
        if (Directory.Exists(path))
        {
            return DataFileKind.Folder;
        }

        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] head = new byte[6];
            int count = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            if (head is [0x1f, 0x8b, ..])
            {
                file.Position = 0;
                using GZipStream zip = new(file, CompressionMode.Decompress);
                count = zip.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            }

            return head.AsSpan(0, count) switch
            {
                [0, 0, >= 8 and <= 14, >= 1 and <= 4, ..] => DataFileKind.Idx,
                [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'] => DataFileKind.Npy,
                [(byte)'P', (byte)'K', 3, 4, ..] => DataFileKind.Npz,
                [(byte)'P', (byte)'A', (byte)'R', (byte)'1', ..] => DataFileKind.Parquet,
                _ => DataFileKind.Csv,
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return DataFileKind.Csv;
        }
    }
}
