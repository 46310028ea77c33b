using System.Globalization;
using System.IO.Hashing;
using System.Text;
using DistNet.Data;
using DistNet.Losses;
using DistNet.Training;
using Parquet;
using Xunit;
using static DistNet.Tests.Data.HandmadeParquet;
using DataField = Parquet.Schema.DataField;

namespace DistNet.Tests.Data;

/// <summary>Parquet tables: those that another library writes against the same table as CSV, and pages made by hand.</summary>
public sealed class ParquetDatasetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(CompressionMethod.None, 1000)]
    [InlineData(CompressionMethod.Snappy, 1000)]
    [InlineData(CompressionMethod.Snappy, 7)]
    [InlineData(CompressionMethod.Gzip, 100)]
    [InlineData(CompressionMethod.Brotli, 100)]
    [InlineData(CompressionMethod.Zstd, 100)]
    public async Task A_table_is_the_same_data_as_in_csv(CompressionMethod packing, int rowsOfGroup)
    {
        const int Rows = 250;
        double[] doubles = Each(Rows, i => (i * 0.37) - 40);
        float[] floats = Each(Rows, i => i / 3f);
        int[] integers = Each(Rows, i => (i * i) - 1000);
        long[] longs = Each(Rows, i => (i - 100L) * 1_000_000_007);
        uint[] unsigned = Each(Rows, i => uint.MaxValue - (uint)i);
        ulong[] large = Each(Rows, i => ulong.MaxValue - ((ulong)i << 40));
        bool[] flags = Each(Rows, i => i % 3 == 0);
        string[] labels = Each(Rows, i => $"class {i % 4}");
        byte[] file = await ParquetMaker.Write(
            new ParquetOptions { CompressionMethod = packing }, rowsOfGroup,
            ParquetMaker.Of("d", doubles), ParquetMaker.Of("f", floats), ParquetMaker.Of("i", integers), ParquetMaker.Of("l", longs),
            ParquetMaker.Of("u", unsigned), ParquetMaker.Of("ul", large), ParquetMaker.Of("b", flags), ParquetMaker.OfTexts("label", labels));
        string text = "d,f,i,l,u,ul,b,label\n" + string.Concat(Enumerable.Range(0, Rows).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"{(float)doubles[i]},{floats[i]},{integers[i]},{longs[i]},{unsigned[i]},{large[i]},{(flags[i] ? 1 : 0)},{labels[i]}\n")));

        AssertSame(file, text, ColumnRules.None);
    }

    [Fact]
    public async Task Missing_values_and_categories_are_as_in_csv()
    {
        const int Rows = 120;
        double?[] area = Each(Rows, i => i % 5 == 0 ? null : (double?)(i * 0.5));
        int?[] rooms = Each(Rows, i => i % 7 == 3 ? null : (int?)(i % 4));
        string?[] town = Each(Rows, i => i % 6 == 0 ? null : $"town {i % 5}");
        bool?[] garden = Each(Rows, i => i % 11 == 0 ? null : (bool?)(i % 2 == 0));
        double[] gaps = Each(Rows, i => i % 9 == 0 ? double.NaN : i);
        int[] label = Each(Rows, i => i % 3);
        ColumnRules rules = new(
            [
                ("area", new ColumnRule { Missing = "mean" }), ("rooms", new ColumnRule { Categories = CategoryEncoding.Codes, Missing = "most-frequent" }),
                ("town", new ColumnRule { Categories = CategoryEncoding.OneHot, Missing = "none" }), ("garden", new ColumnRule { Categories = CategoryEncoding.OneHot, Missing = "true" }),
                ("gaps", new ColumnRule { Missing = "median" }),
            ],
            ["id"]);
        ParquetMaker.Column[] columns =
        [
            ParquetMaker.OfTexts("id", Each(Rows, i => $"row {i}")), ParquetMaker.OfMissing("area", area), ParquetMaker.OfMissing("rooms", rooms), ParquetMaker.OfTexts("town", town),
            ParquetMaker.OfMissing("garden", garden), ParquetMaker.Of("gaps", gaps), ParquetMaker.Of("label", label),
        ];
        string text = "id,area,rooms,town,garden,gaps,label\n" + string.Concat(Enumerable.Range(0, Rows).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"row {i},{area[i]},{rooms[i]},{town[i]},{garden[i]?.ToString().ToLowerInvariant()},{gaps[i]},{label[i]}\n")));

        ParquetOptions options = new();
        options.ColumnEncodingHints["town"] = EncodingHint.Dictionary;
        AssertSame(await ParquetMaker.Write(options, 50, columns), text, rules);
        AssertSame(await ParquetMaker.Write(new ParquetOptions(), 1000, columns), text, rules);
    }

    [Fact]
    public async Task A_value_that_is_missing_is_refused_with_its_row_unless_a_rule_allows_it()
    {
        string path = folder.Write("p", await ParquetMaker.Write(new ParquetOptions(), 2, ParquetMaker.OfMissing<double>("x", 1, 2, 3, null, 5), ParquetMaker.OfTexts("y", "a", null, "b", "a", "b")));
        Assert.Equal($"Row 2 of '{path}' has no label in column 'y'; expected a class.", Error(path, new TableOptions()));
        Assert.Equal($"Row 4 of '{path}' has nothing in column 'x'; expected a finite number.", Error(path, new TableOptions { Label = "y", Columns = new ColumnRules([], ["y"]) }, LabelKind.None));
        Assert.StartsWith($"The Parquet file '{path}' has no column 'z' for the label", Error(path, new TableOptions { Label = "z" }));
    }

    [Fact]
    public async Task Columns_of_other_types_are_refused_unless_ignored()
    {
        ParquetMaker.Column[] columns = [ParquetMaker.Of("day", Each(4, i => new DateTime(2026, 1, 1 + i, 0, 0, 0, DateTimeKind.Utc))), ParquetMaker.Of("price", 1m, 2m, 3m, 4m), ParquetMaker.Of("x", 1, 2, 3, 4), ParquetMaker.Of("y", 0, 1, 0, 1)];
        string path = folder.Write("p", await ParquetMaker.Write(new ParquetOptions(), 10, columns));
        Assert.Equal($"The column 'day' of '{path}' holds dates or times; expected numbers, booleans or texts (data.ignore leaves a column out).", Error(path, new TableOptions()));
        Assert.Equal($"The column 'price' of '{path}' holds decimals; expected numbers, booleans or texts (data.ignore leaves a column out).", Error(path, new TableOptions { Columns = new ColumnRules([], ["day"]) }));
        Assert.Equal([1, 2, 3, 4], Inputs(Load(path, new TableOptions { Columns = new ColumnRules([], ["day", "price"]) })));
    }

    [Fact]
    public void Pages_of_both_kinds_with_dictionaries_and_runs_are_read()
    {
        byte[] there = [0b0000_0011, 0b0001_1011];
        Chunk first = new("first", 5, 8, [.. Page(3, Plain, [.. WithLength([2 << 1, 1, 1 << 1, 0]), .. Doubles(1.5, -2)]), .. Page(5, Plain, [.. WithLength(there), .. Doubles(3, 4, 5, 6)])]) { IsOptional = true };
        Chunk second = new("second", 5, 8, [.. SecondPage(3, Plain, [3 << 1, 1], Doubles(1, 2, 3)), .. SecondPage(5, Plain, there, Doubles(4, 5, 6, 7))]) { IsOptional = true };
        Chunk texts = new("texts", 6, 8, [.. DictionaryPage(3, Texts("red", "", "blue")), .. Page(5, Dictionary, [2, 3 << 1, 2, 2 << 1, 0]), .. Page(3, Plain, Texts("é", "red", "gray"))]);
        Chunk flags = new("flags", 0, 8, Page(8, InRuns, WithLength([3, 0b1010_0101])));
        Chunk plainFlags = new("plain flags", 0, 8, SecondPage(8, Plain, [], [0b0000_1111]));
        Chunk same = new("same", 5, 8, [.. DictionaryPage(1, Doubles(9)), .. Page(8, Dictionary, [0])]);
        using ParquetRecords records = new(folder.Write("p", HandmadeParquet.Table(8, first, second, texts, flags, plainFlags, same)));
        Assert.Equal(["first", "second", "texts", "flags", "plain flags", "same"], records.Peek(0)!);
        Assert.Equal(
            ["1.5|1|blue|true|true|9", "-2|2|blue|false|true|9", "|3|blue|true|true|9", "3|4|red|false|true|9", "4|5|red|false|false|9", "||é|true|false|9", "5|6|red|false|false|9", "6|7|gray|true|false|9"],
            Rows(records));
    }

    [Fact]
    public void Numbers_in_runs_of_every_width_come_back()
    {
        // The example of the format's specification.
        long[] eight = new long[8];
        ParquetRuns.Read([3, 0b1000_1000, 0b1100_0110, 0b1111_1010], 3, eight);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7], eight);
        for (int width = 1; width <= 32; width++)
        {
            for (int count = 1; count <= 40; count++)
            {
                long[] values = [.. Enumerable.Range(0, count).Select(i => (long)((ulong)(i + 1) * 0x9E37_79B9_7F4A_7C15 >> (64 - width)))];
                List<byte> bytes = [];
                Fields.WriteVarInt(bytes, (ulong)((((count + 7) / 8) << 1) | 1));
                System.Numerics.BigInteger packed = values.Select((value, i) => (System.Numerics.BigInteger)value << (i * width)).Aggregate((sum, value) => sum + value);
                bytes.AddRange(packed.ToByteArray(isUnsigned: true).Concat(new byte[width * 5]).Take(width * ((count + 7) / 8)));
                Fields.WriteVarInt(bytes, 5 << 1);
                bytes.AddRange(BitConverter.GetBytes(values[^1])[..((width + 7) / 8)]);
                int whole = (count + 7) / 8 * 8;
                long[] read = new long[whole + 4];
                ParquetRuns.Read(bytes.ToArray(), width, read);
                Assert.Equal([.. values, .. new long[whole - count], .. Enumerable.Repeat(values[^1], 4)], read);
                Assert.Throws<InvalidDataException>(() => ParquetRuns.Read(bytes.ToArray(), width, new long[whole + 6]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void What_a_file_says_of_itself_is_not_believed(string sentence, byte[] file)
    {
        string path = folder.Write("p", file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string error = Error(path, new TableOptions(), LabelKind.None);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
        Assert.StartsWith(sentence.Replace("FILE", path), error);
        Assert.EndsWith(".", error);
    }

    public static TheoryData<string, byte[]> Damaged()
    {
        byte[] page = Page(2, Plain, Doubles(1, 2));
        Chunk x = new("x", 5, 2, page);
        byte[] whole = HandmadeParquet.Table(2, x);
        Chunk Of(byte[] pages) => x with { Pages = pages };
        Fields schema = new((4, "schema"), (5, 1));
        return new()
        {
            { "The Parquet file 'FILE' cannot be read: it does not begin with PAR1", [.. "PAR2"u8, .. whole[4..]] },
            { "The Parquet file 'FILE' cannot be read: it does not end with PAR1", whole[..^1] },
            { "The Parquet file 'FILE' cannot be read: it does not end with PAR1", [.. "PAR1PAR1"u8] },
            { "The Parquet file 'FILE' cannot be read: its metadata would have 4,294,967,295 bytes in a file of 16", [.. "PAR1"u8, 0, 0, 0, 0, 255, 255, 255, 255, .. "PAR1"u8] },
            { "The Parquet file 'FILE' cannot be read: its schema has 0 columns where it says 0", WithMetadata("PAR1"u8.ToArray(), new Fields((3, 0L))) },
            { "The Parquet file 'FILE' cannot be read: a list of 4000000000 elements stands in ", Listed(WithMetadata("PAR1"u8.ToArray(), new Fields((2, new List<Fields> { schema }))), 4_000_000_000) },
            { "The Parquet file 'FILE' cannot be read: it is encrypted", WithMetadata("PAR1"u8.ToArray(), new Fields((8, schema))) },
            { "The Parquet file 'FILE' cannot be read: it would have 2,000,000,000 rows of 1 columns in ", HandmadeParquet.Table(2_000_000_000, x) },
            { "The Parquet file 'FILE' cannot be read: a row group would have -1 rows.", HandmadeParquet.Table(-1, x) },
            { "The Parquet file 'FILE' cannot be read: a chunk has 3 values for 2 rows.", HandmadeParquet.Table(2, x with { Values = 3 }) },
            { "The Parquet file 'FILE' cannot be read: a chunk would have -1 bytes from byte 4", HandmadeParquet.Table(2, x with { Length = -1 }) },
            { "The Parquet file 'FILE' cannot be read: a chunk would have 9,223,372,036,854,775,807 bytes from byte 4", HandmadeParquet.Table(2, x with { Length = long.MaxValue }) },
            { "The Parquet file 'FILE' cannot be read: a chunk would have ", HandmadeParquet.Table(2, x with { Start = -5 }) },
            { "The Parquet file 'FILE' cannot be read: a chunk would have ", HandmadeParquet.Table(2, x, x with { Name = "y", Start = 5 }) },
            { "The Parquet file 'FILE' cannot be read: a row group has chunks of other types than its columns.", HandmadeParquet.Table(2, x with { ChunkType = 4 }) },
            { "The column 'x' of 'FILE' cannot be read: a page would have 2,147,483,647 bytes where 16 are left.", HandmadeParquet.Table(2, Of(Page(2, Plain, Doubles(1, 2), packed: int.MaxValue))) },
            { "The column 'x' of 'FILE' cannot be read: a page would have -1 bytes where 16 are left.", HandmadeParquet.Table(2, Of(Page(2, Plain, Doubles(1, 2), packed: -1))) },
            { "The column 'x' of 'FILE' cannot be read: a page of 16 bytes would have 2,147,483,647 when unpacked.", HandmadeParquet.Table(2, Of(Page(2, Plain, Doubles(1, 2), unpacked: int.MaxValue)) with { Codec = 2 }) },
            { "The column 'x' of 'FILE' cannot be read: a page has 16 bytes when unpacked, where it says 17.", HandmadeParquet.Table(2, Of(Page(2, Plain, Doubles(1, 2), unpacked: 17))) },
            { "The column 'x' of 'FILE' cannot be read: its pages are packed by lzo, expected snappy, gzip, zstd, brotli or none.", HandmadeParquet.Table(2, x with { Codec = 3 }) },
            { "The column 'x' of 'FILE' cannot be read: a page does not have the checksum that it says.", HandmadeParquet.Table(2, Of(Page(2, Plain, Doubles(1, 2), checksum: 1))) },
            { "The column 'x' of 'FILE' cannot be read: the pages have more values than the 2 rows.", HandmadeParquet.Table(2, Of(Page(3, Plain, Doubles(1, 2, 3)))) },
            { "The column 'x' of 'FILE' cannot be read: the pages have 1 values for 2 rows.", HandmadeParquet.Table(2, Of(Page(1, Plain, Doubles(1)))) },
            { "The column 'x' of 'FILE' cannot be read: 2 values stand in 8 bytes.", HandmadeParquet.Table(2, Of(Page(2, Plain, Doubles(1)))) },
            { "The column 'x' of 'FILE' cannot be read: the dictionary of its values is missing.", HandmadeParquet.Table(2, Of(Page(2, Dictionary, [1, 2 << 1, 0]))) },
            { "The column 'x' of 'FILE' cannot be read: a value is number 1 of a dictionary of 1.", HandmadeParquet.Table(2, Of([.. DictionaryPage(1, Doubles(1)), .. Page(2, Dictionary, [1, 2 << 1, 1])])) },
            { "The column 'x' of 'FILE' cannot be read: a dictionary of 2,000,000,000 values stands in 8 bytes of encoding 0.", HandmadeParquet.Table(2, Of([.. DictionaryPage(2_000_000_000, Doubles(1)), .. page])) },
            { "The column 'x' of 'FILE' cannot be read: numbers of 200 bits stand in runs, expected at most 32.", HandmadeParquet.Table(2, Of([.. DictionaryPage(1, Doubles(1)), .. Page(2, Dictionary, [200, 2 << 1, 0])])) },
            { "The column 'x' of 'FILE' cannot be read: a text goes on beyond its page.", HandmadeParquet.Table(2, new Chunk("x", 6, 2, Page(2, Plain, [.. Texts("a"), 255, 255, 255, 255, 0]))) },
            { "The column 'x' of 'FILE' cannot be read: a page does not say as expected which of its values are there.", HandmadeParquet.Table(2, Of(Page(2, Plain, Doubles(0.1, 2))) with { IsOptional = true }) },
        };
    }

    [Fact]
    public void A_page_with_the_right_checksum_is_read()
    {
        byte[] body = Doubles(1, 2);
        Assert.Equal([1, 2], Inputs(LoadInputs(folder.Write("p", HandmadeParquet.Table(2, new Chunk("x", 5, 2, Page(2, Plain, body, checksum: (int)Crc32.HashToUInt32(body))))))));
    }

    [Fact]
    public void A_file_without_rows_is_refused() =>
        Assert.EndsWith("has no rows; expected at least one sample.", Error(folder.Write("p", HandmadeParquet.Table(0, new Chunk("x", 5, 0, []))), new TableOptions(), LabelKind.None));

    [Fact]
    public void A_file_is_known_by_its_content_and_not_read_as_csv()
    {
        string path = folder.Write("data.csv", HandmadeParquet.Table(2, new Chunk("x", 5, 2, Page(2, Plain, Doubles(1, 2)))));
        Assert.Equal(DataFileKind.Parquet, DataFileKinds.Of(path));
        DistNetException error = Assert.Throws<DistNetException>(() => TableDataset.Load(path, new TableOptions(), LossKind.CrossEntropy));
        Assert.Equal($"The file '{path}' is a Parquet file; expected CSV (data.format: parquet reads it).", error.Message);
    }

    private static T[] Each<T>(int count, Func<int, T> value) => [.. Enumerable.Range(0, count).Select(value)];

    // Another number of elements for the list that the metadata begin with.
    private static byte[] Listed(byte[] file, ulong count)
    {
        List<byte> number = [];
        Fields.WriteVarInt(number, count);
        byte[] metadata = [.. file[4..6], .. number, .. file[7..^8]];
        return [.. file[..4], .. metadata, .. BitConverter.GetBytes(metadata.Length), .. file[^4..]];
    }

    private static IEnumerable<string> Rows(ParquetRecords records)
    {
        while (records.Read())
        {
            string[] row = new string[records.FieldCount];
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = Encoding.UTF8.GetString(records[i]);
            }

            yield return string.Join('|', row);
        }
    }

    private static float[] Inputs(Dataset data) => DataFileMaker.Inputs(data);

    private static Dataset Load(string path, TableOptions options) => TableDataset.Load(path, options with { Format = DataFormat.Parquet }, LossKind.CrossEntropy);

    private static Dataset LoadInputs(string path) => TableDataset.Read(path, new TableOptions { Format = DataFormat.Parquet }, LabelKind.None, null).Raw;

    private static string Error(string path, TableOptions options, LabelKind kind = LabelKind.Classes)
    {
        DistNetException error = Assert.Throws<DistNetException>(() => TableDataset.Read(path, options with { Format = DataFormat.Parquet }, kind, null));
        Assert.Equal(FailureKind.BadInput, error.Kind);
        return error.Message;
    }

    private void AssertSame(byte[] file, string text, ColumnRules rules)
    {
        DataOptions options = new() { Columns = rules, Train = new DataFiles(folder.Write("t.csv", text)), Test = new DataFiles(folder["t.csv"]), ValidationShare = 0.2 };
        LoadedData csv = DataLoader.Load(options, LossKind.CrossEntropy, 1, null);
        folder.Write("t.parquet", file);
        LoadedData parquet = DataLoader.Load(options with { Format = DataFormat.Parquet, Train = new(folder["t.parquet"]), Test = new(folder["t.parquet"]) }, LossKind.CrossEntropy, 1, null);
        Assert.Equal(Inputs(csv.Train.Data), Inputs(parquet.Train.Data));
        Assert.Equal(csv.Train.Data.ClassNames, parquet.Train.Data.ClassNames);
        Assert.Equal(csv.FeatureNames, parquet.FeatureNames);
        Assert.Equal(csv.Normalization!.Mean, parquet.Normalization!.Mean);
        Assert.Equal(csv.Fingerprint, parquet.Fingerprint);
    }
}
