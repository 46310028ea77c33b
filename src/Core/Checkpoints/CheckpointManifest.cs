using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace DistNet.Checkpoints;

/// <summary>Writes and verifies a checkpoint's manifest. It is written last, so a checkpoint with a manifest that holds is whole.</summary>
internal static class CheckpointManifest
{
    public const string FileName = "manifest.json";
    private const int MaximumBytes = 1 << 20;
    private static readonly string NoSha256 = new('0', 64);

    /// <summary>The manifest's text. Its own checksum, at its end, is over the text with zeros in that place.</summary>
    public static byte[] Text(long step, bool best, ImmutableArray<FileJson> files)
    {
        ManifestJson manifest = new() { Format = CheckpointJson.CurrentFormat, Step = step, Best = best, Files = files, Sha256 = NoSha256 };
        byte[] zeros = Serialize(manifest);
        return Serialize(manifest with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(zeros)) });
    }

    /// <summary>Reads the manifest of a folder and verifies it, but not yet the files that it names.</summary>
    /// <exception cref="DistNetException">It is missing or damaged, or of another format.</exception>
    public static ManifestJson Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        byte[] text;
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MaximumBytes)
            {
                throw Damaged(path, null);
            }

            text = new byte[file.Length];
            file.ReadExactly(text);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw DistNetException.BadInput($"'{folder}' holds no whole checkpoint: it has no {FileName}.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.BadInput($"The file '{path}' cannot be read: {error.Message.TrimEnd('.')}.", error);
        }

        ManifestJson manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(text, CheckpointJsonContext.Default.ManifestJson) ?? throw Damaged(path, null);
        }
        catch (JsonException error)
        {
            throw Damaged(path, error);
        }

        // Written again, the manifest must be the file byte for byte: no byte is left that the checksum does not cover.
        bool isWhole = Serialize(manifest).AsSpan().SequenceEqual(text)
            && manifest.Sha256 == Convert.ToHexStringLower(SHA256.HashData(Serialize(manifest with { Sha256 = NoSha256 })));
        if (!isWhole || manifest.Files.Any(file => file.Name != Path.GetFileName(file.Name)))
        {
            throw Damaged(path, null);
        }

        return manifest.Format == CheckpointJson.CurrentFormat
            ? manifest
            : throw DistNetException.BadInput($"The checkpoint '{folder}' has format {manifest.Format}; expected {CheckpointJson.CurrentFormat}.");
    }

    /// <summary>Verifies the size and the checksum of every file.</summary>
    /// <exception cref="DistNetException">A file is missing or not as it was written.</exception>
    public static void Verify(string folder, ManifestJson manifest)
    {
        foreach (FileJson expected in manifest.Files)
        {
            string path = Path.Combine(folder, expected.Name);
            try
            {
                using FileStream file = File.OpenRead(path);
                if (file.Length != expected.Bytes)
                {
                    throw DistNetException.BadInput($"The file '{path}' is damaged: it has {file.Length} bytes, expected {expected.Bytes}.");
                }

                string found = Convert.ToHexStringLower(SHA256.HashData(file));
                if (found != expected.Sha256)
                {
                    throw DistNetException.BadInput($"The file '{path}' is damaged: its SHA-256 is {found[..12]}…, expected {expected.Sha256[..12]}….");
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw DistNetException.BadInput($"The file '{path}' of the checkpoint cannot be read: {error.Message.TrimEnd('.')}.", error);
            }
        }
    }

    private static byte[] Serialize(ManifestJson manifest) =>
        Encoding.UTF8.GetBytes(JsonSerializer.Serialize(manifest, CheckpointJsonContext.Default.ManifestJson) + "\n");

    private static DistNetException Damaged(string path, Exception? error) =>
        DistNetException.BadInput($"The file '{path}' is damaged: it is not the manifest that was written.", error);
}
