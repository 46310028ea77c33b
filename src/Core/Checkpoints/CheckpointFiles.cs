using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using DistNet.Data;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Checkpoints;

/// <summary>What stands in which file of a checkpoint's folder.</summary>
internal static class CheckpointFiles
{
    public const string Parameters = "parameters.safetensors";
    public const string Optimizer = "optimizer.safetensors";
    public const string Best = "best.safetensors";
    public const string Normalization = "buffers.safetensors";
    public const string State = "state.json";

    /// <summary>Writes all files into a folder, each synchronised, the manifest last.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <param name="checkpoint">What to write.</param>
    /// <param name="fault">Called before every step with its name; tests throw there.</param>
    public static void Write(string folder, Checkpoint checkpoint, Action<string>? fault)
    {
        var files = ImmutableArray.CreateBuilder<FileJson>();
        void Add(string name, Action<Stream> content) => files.Add(WriteFile(folder, name, content, fault));
        Add(Parameters, stream => SafetensorsFile.Write(stream, checkpoint.Parameters));
        if (checkpoint.Slots.Count > 0)
        {
            // In the order that the parameters have, slot by slot.
            Add(Optimizer, stream => SafetensorsFile.Write(
                stream, [.. checkpoint.Slots.OrderBy(slot => slot.Key, StringComparer.Ordinal).SelectMany(slot => SafetensorsFile.SlotTensors(slot.Value, slot.Key + "/"))]));
        }

        if (checkpoint.Best is { } best)
        {
            Add(Best, stream => SafetensorsFile.Write(stream, best));
        }

        if (NormalizationTensors.Of(checkpoint.Model.Normalization) is { IsEmpty: false } normalization)
        {
            Add(Normalization, stream => SafetensorsFile.Write(stream, normalization));
        }

        Add(State, stream => JsonSerializer.Serialize(stream, CheckpointJson.Of(checkpoint), CheckpointJsonContext.Default.CheckpointJson));
        byte[] manifest = CheckpointManifest.Text(checkpoint.State.Step, checkpoint.IsBest, files.ToImmutable());
        WriteFile(folder, CheckpointManifest.FileName, stream => stream.Write(manifest), fault);
    }

    /// <summary>Reads a folder whose manifest and checksums were verified.</summary>
    /// <exception cref="DistNetException">A file does not hold what it should.</exception>
    public static Checkpoint Read(string folder, ManifestJson manifest)
    {
        string path = Path.Combine(folder, State);
        try
        {
            CheckpointJson json = JsonSerializer.Deserialize(File.ReadAllBytes(path), CheckpointJsonContext.Default.CheckpointJson)
                ?? throw DistNetException.BadInput($"The file '{path}' is empty; expected a checkpoint's state.");
            if (json.Format != manifest.Format || json.State.Step != manifest.Step)
            {
                throw DistNetException.BadInput($"The file '{path}' is of format {json.Format}, step {json.State.Step}; expected {manifest.Format}, {manifest.Step} by the manifest.");
            }

            return Assemble(folder, json);
        }
        catch (Exception error) when (error is JsonException or ArgumentException or OverflowException or IOException or UnauthorizedAccessException)
        {
            throw DistNetException.BadInput($"The file '{path}' is not a checkpoint's state: {error.Message.TrimEnd('.')}.", error);
        }
    }

    private static Checkpoint Assemble(string folder, CheckpointJson json)
    {
        Layout layout = json.Layout();
        NormalizationStatistics? statistics = json.Normalization == NormalizeMode.None ? null : NormalizationTensors.Read(Path.Combine(folder, Normalization), json.Normalization);
        return new Checkpoint
        {
            State = json.State,
            JobJson = json.Job,
            DataFingerprint = json.DataFingerprint,
            Model = new ModelInfo(new Shape(json.InputShape), json.ClassNames, statistics)
            {
                TargetWidth = json.TargetWidth,
                FeatureNames = json.FeatureNames,
                Columns = Columns(json),
            },
            Parameters = ReadArenas(Path.Combine(folder, Parameters), layout, layout.Entries, [""])[0],
            Slots = json.Slots.IsEmpty
                ? ImmutableDictionary<string, Arena>.Empty
                : json.Slots.Zip(ReadArenas(Path.Combine(folder, Optimizer), layout, layout.Parameters, [.. json.Slots.Select(slot => slot + "/")])).ToImmutableDictionary(pair => pair.First, pair => pair.Second),
            Best = json.HasBest ? ReadArenas(Path.Combine(folder, Best), layout, layout.Entries, [""])[0] : null,
        };
    }

    private static ImmutableArray<FeatureColumn> Columns(CheckpointJson json)
    {
        ImmutableArray<FeatureColumn> columns = [.. (json.Columns ?? []).Select(column => column.ToColumn())];
        return columns.IsEmpty || columns.Sum(column => (long)column.Width) == new Shape(json.InputShape).Length
            ? columns
            : throw new ArgumentException("its columns do not give the features of its input");
    }

    // Tensor by tensor what the layout says, once for every prefix.
    private static Arena[] ReadArenas(string path, Layout layout, ImmutableArray<ParameterEntry> entries, string[] prefixes)
    {
        Dictionary<string, NamedTensor> tensors = SafetensorsFile.Read(path).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        if (tensors.Count != prefixes.Length * entries.Length)
        {
            throw DistNetException.BadInput($"The file '{path}' has {tensors.Count} tensors; expected {prefixes.Length * entries.Length}.");
        }

        return [.. prefixes.Select(prefix =>
        {
            Arena arena = new(layout);
            foreach (ParameterEntry entry in entries)
            {
                if (!tensors.TryGetValue(prefix + entry.Name, out NamedTensor? tensor) || tensor.Shape != entry.Shape)
                {
                    throw DistNetException.BadInput(
                        $"The file '{path}' has {(tensor is null ? "no tensor" : $"the shape {tensor.Shape} for")} '{prefix + entry.Name}'; expected {entry.Shape}.");
                }

                tensor.Values.Span.CopyTo(arena[entry]);
            }

            return arena;
        })];
    }

    private static FileJson WriteFile(string folder, string name, Action<Stream> content, Action<string>? fault)
    {
        fault?.Invoke($"create {name}");
        using FileStream file = new(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        using HashingStream stream = new(file, () => fault?.Invoke($"write {name}"));
        content(stream);
        fault?.Invoke($"sync {name}");
        file.Flush(flushToDisk: true);
        return new FileJson(name, stream.Length, stream.Sha256());
    }

    // Hashes what passes, so that a checksum costs no second reading.
    private sealed class HashingStream(FileStream file, Action beforeWrite) : Stream
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => throw new NotSupportedException(); }

        public string Sha256() => Convert.ToHexStringLower(hash.GetHashAndReset());

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            beforeWrite();
            hash.AppendData(buffer);
            file.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            hash.Dispose();
            base.Dispose(disposing);
        }
    }
}
