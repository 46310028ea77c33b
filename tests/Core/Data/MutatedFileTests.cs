using System.IO.Compression;
using System.Text;
using System.Text.Json;
using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Losses;
using DistNet.Training;
using Parquet;
using Xunit;
using static DistNet.Tests.Data.DataFileMaker;
using static DistNet.Tests.Data.HandmadeParquet;

namespace DistNet.Tests.Data;

/// <summary>Every reader against files that were damaged on purpose: flipped bits, cut ends, huge and negative numbers, pieces moved over one another.
/// Each is read, or refused by a <see cref="DistNetException"/>, in bounded time and memory.</summary>
public sealed class MutatedFileTests : IDisposable
{
    // What a reader may allocate besides its factor of the file's size: buffers of streams, parsers and sentences.
    private const long FreeBytes = 1 << 20;

    // Deflate unpacks up to 1,032 bytes from one, and each may become four more.
    private const long FactorOfPacked = 5 * 1032;

    private const int Mutations = 400;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Mutated_idx_is_read_or_refused() => Check(Idx(8, [20, 4, 5], Bytes(400)), factor: 16, path => IdxDataset.LoadInputs(path));

    [Fact]
    public void Mutated_idx_of_doubles_is_read_or_refused() => Check(Idx(14, [10, 4], [.. Enumerable.Range(0, 40).SelectMany(i => BitConverter.GetBytes((double)i).Reverse())]), factor: 16, path => IdxDataset.LoadInputs(path));

    [Fact]
    public void Mutated_idx_in_gzip_is_read_or_refused() => Check(Gzip(Idx(8, [20, 4, 5], Bytes(400))), FactorOfPacked, path => IdxDataset.LoadInputs(path));

    [Fact]
    public void Mutated_labels_of_idx_are_read_or_refused()
    {
        string inputs = folder.Write("inputs", Idx(8, [40, 2], Bytes(80)));
        Check(Idx(12, [40], [.. Enumerable.Range(0, 40).SelectMany(i => new byte[] { 0, 0, 0, (byte)(i % 7) })]), factor: 64, path => IdxDataset.Load(inputs, path, LossKind.CrossEntropy));
    }

    [Fact]
    public void Mutated_npy_is_read_or_refused() => Check(NpyDatasetTests.Npy("<f4", "(20, 5)", Bytes(400)), factor: 16, path => NpyDataset.LoadInputs(path));

    [Fact]
    public void Mutated_npy_that_is_mapped_is_used_or_refused() => Check(NpyDatasetTests.Npy("<f4", "(20, 5)", [.. Enumerable.Range(0, 100).SelectMany(i => BitConverter.GetBytes((float)i))]), factor: 16, path =>
    {
        Dataset data = ArrayDataset.OfInputs(NpyArray.Read(path, mapFrom: 0), null);
        float[] row = new float[data.InputShape.Length];
        data.CopyInputs([data.Count - 1], row);
    });

    [Fact]
    public void Mutated_npz_is_read_or_refused()
    {
        foreach (JsonElement golden in DataFileGoldens.Of("arrays").Where(golden => golden.Name().Contains("npz", StringComparison.Ordinal)))
        {
            (string inputs, string labels) = golden.Name() == "npz" ? ("inputs", "labels") : ("x", "y");
            Check(golden.Bytes(), 2 * FactorOfPacked, path => NpyDataset.LoadNpz(path, inputs, labels, LossKind.CrossEntropy));
        }
    }

    [Fact]
    public void Mutated_images_are_decoded_or_refused()
    {
        // Pixels decoded to three bytes and then to planes.
        const long Factor = 6 * ImageFile.MaximumPixelsPerByte;
        foreach (JsonElement golden in DataFileGoldens.Of("images"))
        {
            Check(golden.Bytes(), Factor, path => ImageFile.Read(path, 3), mutations: 600);
        }
    }

    [Fact]
    public void Mutated_images_with_right_checksums_are_decoded_or_refused()
    {
        foreach (JsonElement golden in DataFileGoldens.Of("images").Where(golden => golden.Name().EndsWith(".png", StringComparison.Ordinal)))
        {
            Check(golden.Bytes(), 6 * ImageFile.MaximumPixelsPerByte, path => ImageFile.Read(path, 3), mutations: 600, mend: WithChecksums);
        }
    }

    [Fact]
    public void A_mutated_pack_of_images_is_read_or_refused()
    {
        ByteDataset data = new(new DistNet.Tensors.Shape(1, 3, 4), Bytes(120), SampleLabels.Classes([0, 1, 0, 1, 0, 1, 0, 1, 0, 1], ["a", "b"]));
        using Stream pack = ImagePack.Open(data);
        byte[] bytes = new byte[pack.Length];
        pack.ReadExactly(bytes);
        Check(bytes, factor: 64, path => ImagePack.Read(path));
    }

    [Fact]
    public void Mutated_csv_is_read_or_refused()
    {
        byte[] text = Encoding.UTF8.GetBytes("a,\"b b\",c,y\n" + string.Concat(Enumerable.Range(0, 30).Select(i => $"{i},{(i % 5 == 0 ? "" : $"{i}.5")},\"k{i % 3}\",{i % 2}\n")));
        ColumnRules rules = new([("b b", new ColumnRule { Missing = "mean" }), ("c", new ColumnRule { Categories = CategoryEncoding.OneHot, Missing = "most-frequent" })], []);
        Check(text, factor: 256, path => TableDataset.Load(path, new TableOptions { Columns = rules }, LossKind.CrossEntropy));
        byte[] numbers = Encoding.UTF8.GetBytes("a,b,y\n" + string.Concat(Enumerable.Range(0, 30).Select(i => $"{i},{i}.5,{i % 2}\n")));
        Check(numbers, factor: 256, path => TableDataset.Load(path, new TableOptions(), LossKind.CrossEntropy));
        Check(Gzip(text), factor: 256, path => TableDataset.Load(path, new TableOptions { Columns = rules }, LossKind.CrossEntropy), sizeOf: file => file.Length + UnpackedBytes(file));
    }

    // The small files above take less than what is free; these do not.
    [Fact]
    public void A_large_table_takes_no_more_than_its_factor()
    {
        const long OfColumn = 4096;
        (string Text, ColumnRules Rules)[] tables =
        [
            (string.Concat(Enumerable.Repeat("1,", 60_000)) + "0\n" + string.Concat(Enumerable.Repeat("2,", 60_000)) + "1\n", new([], [])), // wide
            (string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i},{i}\n")), new([("0", new ColumnRule { Categories = CategoryEncoding.Codes })], [])), // many categories and classes
            (string.Concat(Enumerable.Range(0, 3).Select(i => string.Concat(Enumerable.Repeat($"{i},", 5_000)) + $"{i}\n")),
                new([.. Enumerable.Range(0, 5_000).Select(i => ($"{i}", new ColumnRule { Categories = CategoryEncoding.OneHot, Missing = "most-frequent" }))], [])), // many rules
        ];
        foreach ((string text, ColumnRules rules) in tables)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            foreach (byte[] file in (byte[][])[bytes, Gzip(bytes)])
            {
                string path = folder.Write("large", file);
                long before = GC.GetAllocatedBytesForCurrentThread();
                TableDataset.Load(path, new TableOptions { Header = false, Columns = rules }, LossKind.CrossEntropy);
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, FreeBytes + (16 * bytes.Length), FreeBytes + (256 * bytes.Length) + (OfColumn * rules.Rules.Length));
            }
        }
    }

    // Elements of one byte that take next to nothing in the file and four bytes in memory.
    [Fact]
    public void Packed_arrays_of_equal_elements_take_no_more_than_their_factor()
    {
        const int Count = 1 << 22;
        string bytes = folder.Write("bytes", Gzip(Idx(8, [Count, 1], new byte[Count])));
        byte[] two = new byte[Count];
        two[^1] = 1;
        string labels = folder.Write("labels", Gzip(Idx(8, [Count], two)));
        Measure([folder.Write("signed", Gzip(Idx(9, [Count / 4, 4], new byte[Count])))], 5, path => IdxDataset.LoadInputs(path[0]));
        Measure([folder.Write("i1", Gzip(NpyDatasetTests.Npy("|i1", $"({Count / 4}, 4)", new byte[Count])))], 5, path => NpyDataset.LoadInputs(path[0]));
        Measure([bytes, labels], 1 + 5, path => IdxDataset.Load(path[0], path[1], LossKind.CrossEntropy));
        Measure([bytes, labels], 1 + 5, path => IdxDataset.Load(path[0], path[1], LossKind.MeanSquaredError));

        void Measure(string[] files, int bytesOfEach, Func<string[], Dataset> read)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Dataset data = read(files);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(data.Count >= Count / 4);
            Assert.InRange(allocated, (long)bytesOfEach * Count, Math.Min(FreeBytes + ((long)bytesOfEach * Count), FreeBytes + (FactorOfPacked * files.Sum(file => new FileInfo(file).Length))));
        }
    }

    // Values that take next to nothing in the file, as many as are allowed.
    [Fact]
    public void A_parquet_table_of_equal_values_takes_no_more_than_its_factor()
    {
        const int Rows = 25_000;
        byte[] numbers = [.. DictionaryPage(1, Doubles(0.5)), .. Page(Rows, Dictionary, [0])];
        byte[] packed = new byte[100];
        Assert.True(BrotliEncoder.TryCompress(new byte[sizeof(int) * Rows], packed, out int length));

        // So few bytes may not hold so many: what follows the packed ones is not read.
        byte[] texts = Page(Rows, Plain, packed[..Math.Max(length, 48)], unpacked: sizeof(int) * Rows);
        byte[] table = HandmadeParquet.Table(
            Rows, new("a", 5, Rows, numbers), new("b", 5, Rows, numbers), new("c", 6, Rows, texts) { Codec = 4 }, new("d", 5, Rows, numbers), new("y", 5, Rows, numbers));
        string path = folder.Write("large", table);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Dataset data = TableDataset.Load(path, new TableOptions { Format = DataFormat.Parquet, Columns = new([("c", new ColumnRule { Categories = CategoryEncoding.Codes, Missing = "none" })], []) }, LossKind.MeanSquaredError);
        Assert.Equal((Rows, 4), (data.Count, data.InputShape.Length));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 16 * Rows, FreeBytes + (ParquetMetadata.MaximumFactor * (long)table.Length));
    }

    [Theory]
    [InlineData(CompressionMethod.None)]
    [InlineData(CompressionMethod.Snappy)]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Brotli)]
    [InlineData(CompressionMethod.Zstd)]
    public async Task Mutated_parquet_is_read_or_refused(CompressionMethod packing)
    {
        ParquetOptions options = new() { CompressionMethod = packing };
        options.ColumnEncodingHints["c"] = EncodingHint.Dictionary;
        byte[] table = await ParquetMaker.Write(
            options, 20,
            ParquetMaker.OfMissing("a", [.. Enumerable.Range(0, 30).Select(i => i % 5 == 0 ? null : (double?)i)]),
            ParquetMaker.OfTexts("c", [.. Enumerable.Range(0, 30).Select(i => i % 4 == 0 ? null : $"k{i % 3}")]),
            ParquetMaker.Of("n", [.. Enumerable.Range(0, 30).Select(i => i * i)]),
            ParquetMaker.Of("y", [.. Enumerable.Range(0, 30).Select(i => i % 2 == 0)]));
        ColumnRules rules = new([("a", new ColumnRule { Missing = "mean" }), ("c", new ColumnRule { Categories = CategoryEncoding.OneHot, Missing = "most-frequent" })], []);
        Check(table, ParquetMetadata.MaximumFactor, path => TableDataset.Load(path, new TableOptions { Format = DataFormat.Parquet, Columns = rules }, LossKind.CrossEntropy));
    }

    [Fact]
    public void Mutated_parquet_of_all_kinds_of_pages_is_read_or_refused()
    {
        byte[] there = [0b0000_0011, 0b0001_1011];
        byte[] table = HandmadeParquet.Table(
            8,
            new("a", 5, 8, [.. SecondPage(3, Plain, [3 << 1, 1], Doubles(1, 2, 3)), .. SecondPage(5, Plain, there, Doubles(4, 5, 6, 7))]) { IsOptional = true },
            new("c", 6, 8, [.. DictionaryPage(3, Texts("red", "", "blue")), .. Page(5, Dictionary, [2, 3 << 1, 2, 2 << 1, 0]), .. Page(3, Plain, Texts("é", "red", "gray"))]),
            new("y", 0, 8, Page(8, InRuns, WithLength([3, 0b1010_0101]))));
        ColumnRules rules = new([("a", new ColumnRule { Missing = "mean" }), ("c", new ColumnRule { Categories = CategoryEncoding.Codes, Missing = "none" })], []);
        Check(table, ParquetMetadata.MaximumFactor, path => TableDataset.Load(path, new TableOptions { Format = DataFormat.Parquet, Columns = rules }, LossKind.CrossEntropy), mutations: 1000);
    }

    [Fact]
    public void Mutated_safetensors_are_read_or_refused()
    {
        using MemoryStream stream = new();
        SafetensorsFile.Write(stream, [new NamedTensor("fc1.weight", new(3, 4), new float[12]), new NamedTensor("fc1.bias", new(3), new float[3])]);
        Check(stream.ToArray(), factor: 128, path => SafetensorsFile.Read(path));
    }

    [Fact]
    public void Mutated_files_of_a_checkpoint_are_read_or_refused_though_their_checksums_are_right()
    {
        string checkpoint = new CheckpointStore(folder["run"]).Write(Checkpoints.Samples.Checkpoint(step: 5));
        ManifestJson manifest = CheckpointManifest.Read(checkpoint);
        foreach (string name in manifest.Files.Select(file => file.Name))
        {
            string original = Path.Combine(checkpoint, name);
            byte[] bytes = File.ReadAllBytes(original);
            Check(bytes, factor: 512, path =>
            {
                byte[] mutated = File.ReadAllBytes(path);
                folder.Write(original, mutated);
                FileJson described = new(name, mutated.Length, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(mutated)));
                folder.Write(
                    Path.Combine(checkpoint, CheckpointManifest.FileName),
                    CheckpointManifest.Text(manifest.Step, manifest.Best, [.. manifest.Files.Select(file => file.Name == name ? described : file)]));
                CheckpointStore.Load(checkpoint);
            }, mutations: 100);
            folder.Write(original, bytes);
        }

        byte[] text = CheckpointManifest.Text(manifest.Step, manifest.Best, manifest.Files);
        Check(text, factor: 512, path =>
        {
            folder.Write(Path.Combine(checkpoint, CheckpointManifest.FileName), File.ReadAllBytes(path));
            CheckpointStore.Load(checkpoint);
        }, mutations: 100);
    }

    private static byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i * 7))];

    // Reads the file as it is, then mutated.
    private void Check(byte[] original, long factor, Action<string> read, int mutations = Mutations, Func<byte[], byte[]>? mend = null, Func<byte[], long>? sizeOf = null)
    {
        read(folder.Write("whole", original));
        int refused = 0;
        for (int seed = 0; seed < mutations; seed++)
        {
            byte[] mutated = Mutate(original, new Random(seed));
            mutated = mend?.Invoke(mutated) ?? mutated;
            string path = folder.Write("mutated", mutated);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(path);
            }
            catch (DistNetException)
            {
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"Seed {seed}: {error}");
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            long size = sizeOf?.Invoke(mutated) ?? mutated.Length;
            Assert.True(allocated <= FreeBytes + (factor * size), $"Seed {seed}: {allocated:N0} bytes allocated for a file of {size:N0}.");
        }

        Assert.True(refused > mutations / 20, $"{refused} of {mutations} were refused.");
    }

    // What a gzip file gives until it is seen to be damaged.
    private static long UnpackedBytes(byte[] file)
    {
        long bytes = 0;
        byte[] block = new byte[4096];
        using GZipStream unpacked = new(new MemoryStream(file), CompressionMode.Decompress);
        try
        {
            for (int count = unpacked.Read(block); count > 0; count = unpacked.Read(block))
            {
                bytes += count;
            }
        }
        catch (InvalidDataException)
        {
        }

        return bytes;
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        byte[] bytes = [.. original];
        int changes = random.Next(1, 4);
        for (int change = 0; change < changes && bytes.Length > 8; change++)
        {
            // Most formats say at their beginning, some at their end, what is where.
            int place = random.Next(3) switch { 0 => random.Next(Math.Min(bytes.Length, 64)), 1 => bytes.Length - 1 - random.Next(Math.Min(bytes.Length, 64)), _ => random.Next(bytes.Length) };
            int length = Math.Min(random.Next(1, 9), bytes.Length - place);
            switch (random.Next(7))
            {
                case 0:
                    bytes[place] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    Array.Fill(bytes, (byte)0xFF, place, length);
                    break;
                case 2:
                    Array.Fill(bytes, (byte)0, place, length);
                    break;
                case 3:
                    bytes[place] = (byte)random.Next(256);
                    break;
                case 4:
                    bytes = bytes[..place];
                    break;
                case 5:
                    // A piece over another.
                    bytes.AsSpan(random.Next(bytes.Length - length + 1), length).ToArray().CopyTo(bytes, place);
                    break;
                default:
                    bytes = [.. bytes.AsSpan(0, place), .. bytes.AsSpan(random.Next(place + 1))];
                    break;
            }
        }

        return bytes.Length == 0 ? [0] : bytes;
    }

    // A PNG's chunks as far as they go, each with the checksum of what it now holds, so that the decoder sees the damage.
    private static byte[] WithChecksums(byte[] bytes)
    {
        for (int place = 8; place + 12 <= bytes.Length;)
        {
            uint length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(place));
            if (length > bytes.Length - place - 12)
            {
                break;
            }

            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(place + 8 + (int)length), System.IO.Hashing.Crc32.HashToUInt32(bytes.AsSpan(place + 4, 4 + (int)length)));
            place += 12 + (int)length;
        }

        return bytes;
    }
}
