using CsCheck;
using DistNet.Data;
using DistNet.Losses;
using DistNet.Tensors;
using System.Globalization;
using Xunit;
using static DistNet.Tests.Data.DataFileMaker;

namespace DistNet.Tests.Data;

public sealed class CsvDatasetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_optical_digits_are_read_as_bytes()
    {
        Dataset data = TableDataset.Load(Path.Combine(Datasets(), "digits.csv.gz"), new TableOptions(), LossKind.CrossEntropy);
        Assert.IsType<ByteDataset>(data);
        Assert.Equal(1797, data.Count);
        Assert.Equal(new Shape(64), data.InputShape);
        Assert.Equal(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], data.ClassNames);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], data.Labels[..10]);
        Assert.Equal([0, 0, 5, 13, 9, 1, 0, 0], Inputs(data)[..8]);
        Assert.Equal(561_718, Inputs(data).Sum());
        Assert.Equal("4128cfe175e88b7eecf74c2738b2f6656aeb4bfd10f256eba86fb2812f76afaa", data.Fingerprint);
    }

    [Theory]
    [InlineData("last", "a,b,y\n1,2,x\n3,4,z\n")]
    [InlineData("y", "a,b,y\n1,2,x\n3,4,z\n")]
    [InlineData("first", "y,a,b\nx,1,2\nz,3,4\n")]
    [InlineData("0", "y,a,b\nx,1,2\nz,3,4\n")]
    [InlineData("y", "a,y,b\r\n1,x,2\r\n3,z,4")]
    [InlineData("1", "a,y,b\n1,x,2\n\n3,z,4\n\n")]
    [InlineData("1", "1,x,2\n3,z,4\n")]
    [InlineData("y", "\uFEFF\"a\",\" y \",\"b\"\n\"1\",\"x\", 2 \n 3,x2,4\n", "x", "x2")]
    [InlineData("last", "1.0,2e0,x\n3,+4,z")]
    [InlineData("la, bel", "\"la, bel\",a,b\nx,1,2\nz,3,4\n")]
    [InlineData("last", "a,b,y\n1,2,\"x \"\"quoted\"\", and\nbroken\"\n3,4,z", "x \"quoted\", and\nbroken", "z")]
    public void Labels_headers_quotes_and_line_ends_are_understood(string label, string text, string first = "x", string second = "z")
    {
        foreach (byte[] content in new[] { System.Text.Encoding.UTF8.GetBytes(text), Gzip(System.Text.Encoding.UTF8.GetBytes(text)) })
        {
            Dataset data = TableDataset.Load(folder.Write("data.csv", content), new TableOptions { Label = label }, LossKind.CrossEntropy);
            Assert.Equal([1, 2, 3, 4], Inputs(data));
            Assert.Equal([first, second], data.ClassNames);
            Assert.Equal([0, 1], data.Labels);
        }
    }

    [Fact]
    public void The_delimiter_and_the_header_can_be_given()
    {
        Dataset data = Load("1;2;3\n4;5;6\n7;8;9\n", new TableOptions { Delimiter = ';', Header = true });
        Assert.Equal([4, 5, 7, 8], Inputs(data));
        Assert.Equal([0, 1, 2], Load("1\t2\n3\t4\n5\t6\n", new TableOptions { Delimiter = '\t', Header = false }).Labels);
        Assert.Contains("delimiter '\"' cannot be used", Error("1,2\n", new TableOptions { Delimiter = '"' }));
    }

    [Fact]
    public void A_text_over_a_column_of_number_labels_is_a_header()
    {
        Assert.Equal(["0", "1"], Load("0,1,label\n5,6,1\n7,8,0\n").ClassNames);
        Assert.Equal(["a", "b"], Load("0,1,a\n5,6,b\n").ClassNames);
    }

    [Fact]
    public void Class_names_are_sorted_as_numbers_if_all_are_and_else_ordinally()
    {
        Assert.Equal(["-1", "2", "10"], Load("0,10\n0,2.0\n0,-1\n0,2\n").ClassNames);
        Assert.Equal([2, 1, 0, 1], Load("0,10\n0,2.0\n0,-1\n0,2\n").Labels);
        Assert.Equal(["0.5", "1E+300"], Load("0,1e300\n0,.5\n").ClassNames);
        Assert.Equal(["10", "2", "B", "a"], Load("0,2\n0,a\n0,B\n0,10\n").ClassNames);
    }

    [Fact]
    public void Binary_labels_are_0_and_1()
    {
        Dataset data = Load("0,yes\n0,no\n0,yes\n", null, LossKind.BinaryCrossEntropy);
        Assert.Equal([1, 0, 1], data.Labels);
        Assert.Equal(["no", "yes"], data.ClassNames);
        Assert.EndsWith("have 3 classes ('0', '1', '2'); binary cross-entropy expects exactly 2.", Error("5,0\n5,1\n5,2\n", null, LossKind.BinaryCrossEntropy));
        Assert.EndsWith("have only one class ('7'); cross-entropy expects at least 2.", Error("5,7\n5,7\n"));
    }

    [Fact]
    public void Targets_of_a_regression_are_numbers()
    {
        Dataset one = Load("a,b,y\n1,2,0.5\n3,4,-1e3\n", null, LossKind.MeanSquaredError);
        Assert.Equal([0.5f, -1000f], one.Targets);
        Assert.Equal(1, one.TargetWidth);
        Assert.Empty(one.ClassNames);
        Dataset two = Load("a,b,y\n1,2,3\n4,5,6\n", new TableOptions { Label = "y, a" }, LossKind.MeanSquaredError);
        Assert.Equal([3, 1, 6, 4], two.Targets);
        Assert.Equal(2, two.TargetWidth);
        Assert.Equal([2, 5], Inputs(two));
    }

    [Fact]
    public void Numbers_are_kept_as_bytes_if_all_are_whole_and_small_and_keep_every_bit_either_way() =>
        Gen.OneOf(Gen.Int[0, 255].Select(value => (float)value).Array[8], Gen.Single.Where(float.IsFinite).Array[8], Gen.Int[-2, 300].Select(value => (float)value).Array[8]).Sample(
            values =>
            {
                string text = string.Concat(values.Select((value, i) => value.ToString("R", CultureInfo.InvariantCulture) + (i % 2 == 0 ? "," : $",{i}\n")));
                string path = folder.Write($"{Guid.NewGuid()}.csv", text);
                Dataset data = TableDataset.Load(path, new TableOptions { Header = false }, LossKind.CrossEntropy);
                Assert.Equal(values.Select(BitConverter.SingleToInt32Bits), Inputs(data).Select(BitConverter.SingleToInt32Bits));
                Assert.Equal(values.All(value => value is >= 0 and <= 255 && value == (byte)value && !float.IsNegative(value)), data is ByteDataset);
            },
            iter: 300);

    [Fact]
    public void Inputs_alone_are_read_from_files_with_and_without_labels()
    {
        DataExpectation expected = new(new Shape(1, 2), ["x", "z"]);
        foreach (string text in new[] { "a,b\n1,2\n3,4\n", "1,2\n3,4\n", "a,b,y\n1,2,x\n3,4,unknown\n", "1,2,5\n3,4,6\n" })
        {
            Dataset data = TableDataset.LoadInputs(folder.Write("data.csv", text), new TableOptions(), expected);
            Assert.Equal([1, 2, 3, 4], Inputs(data));
            Assert.Equal(new Shape(1, 2), data.InputShape);
            Assert.True(data.Labels.IsEmpty);
        }

        Assert.Equal([2, 4], Inputs(TableDataset.LoadInputs(folder.Write("data.csv", "y,a,b\n1,2,3\n"), new TableOptions { Label = "y, b" }, new(new Shape(1), [], 2))).Concat([4f]));
        folder.Write("data.csv", "1,2,3,4\n");
        Assert.EndsWith(
            "has 4 feature columns; expected 2, as in the training data.",
            Assert.Throws<DistNetException>(() => TableDataset.LoadInputs(folder["data.csv"], new TableOptions(), expected)).Message);
    }

    [Theory]
    [InlineData("", "is empty: it has 0 bytes.")]
    [InlineData("\n\n", "has no rows; expected at least one sample.")]
    [InlineData("a,b,y\n", "has a header but no rows; expected at least one sample.")]
    [InlineData("1,2,0\n1,2\n", "Line 2 of 'FILE' has 2 fields; expected 3, as on the first line.")]
    [InlineData("1,2,0\n\n1,2,0,4\n", "Line 3 of 'FILE' has 4 fields; expected 3, as on the first line.")]
    [InlineData("1,2,0\n7\n", "Line 2 of 'FILE' has 1 field; expected 3, as on the first line.")]
    [InlineData("a,b,y\n1,2,0\n1,two,1\n", "Line 3 of 'FILE' has 'two' in column 'b'; expected a finite number.")]
    [InlineData("1,2,0\n1,1 000,1\n", "Line 2 of 'FILE' has '1 000' in column 1; expected a finite number.")]
    [InlineData("1,2,0\n1,,1\n", "Line 2 of 'FILE' has nothing in column 1; expected a finite number.")]
    [InlineData("1,2,0\n1,NaN,1\n", "Line 2 of 'FILE' has 'NaN' in column 1; expected a finite number.")]
    [InlineData("1,2,0\n-Infinity,1,1\n", "Line 2 of 'FILE' has '-Infinity' in column 0; expected a finite number.")]
    [InlineData("1,2,0\n1,1e39,1\n", "Line 2 of 'FILE' has '1e39' in column 1; expected a finite number.")]
    [InlineData("1,2,0\n1,a\u0001very long text that goes on and on and on,1\n", "Line 2 of 'FILE' has 'a\uFFFDvery long text that go…' in column 1; expected a finite number.")]
    [InlineData("\"1\n\",2,0\n1,\"x\n\",1\n", "Line 3 of 'FILE' has 'x\uFFFD' in column 1; expected a finite number.")]
    [InlineData("1,2,0\n1,2, \n", "Line 2 of 'FILE' has no label in column 2; expected a class.")]
    [InlineData("1,2,0\n1,\"2,0\n1,2,0\n", "The CSV file 'FILE' is malformed at line 2: a quoted field that is never closed (byte offset 19).")]
    [InlineData("1\n2\n", "has no feature columns besides the label (it has 1 with the delimiter ','); expected at least one.")]
    public void A_bad_file_gets_one_clear_sentence(string text, string expected)
    {
        string message = Error(text);
        Assert.Contains($"'{folder["data.csv"]}'", message);
        Assert.Contains(expected.Replace("FILE", folder["data.csv"]), message);
    }

    [Theory]
    [InlineData("lable", "has no column 'lable' for the label; did you mean 'label'?")]
    [InlineData("zzz", "has no column 'zzz' for the label; known: 'width', 'height', 'label'.")]
    [InlineData("3", "has no column 3: it has 3 columns, numbered 0 to 2.")]
    [InlineData("-1", "has no column -1: it has 3 columns, numbered 0 to 2.")]
    [InlineData("width, label", "names 2 columns; expected one, as only mean-squared-error takes several.")]
    public void An_unknown_label_column_is_told(string label, string expected) =>
        Assert.Contains(expected, Error("width,height,label\n1,2,0\n1,2,1\n", new TableOptions { Label = label }));

    [Fact]
    public void A_label_name_needs_a_header()
    {
        Assert.Contains("has no header, so the label column 'y' cannot be found; expected first, last or a number from 0 to 1.", Error("1,2\n3,4\n", new TableOptions { Label = "y" }));
        Assert.Contains("has no header", Error("a,y\n3,4\n", new TableOptions { Label = "y", Header = false }));
        Assert.Contains("several columns named 'y'", Error("y,a,y\n3,4,5\n", new TableOptions { Label = "y" }));
        Assert.Contains("names a column twice", Error("a,y\n3,4\n", new TableOptions { Label = "y,y" }, LossKind.MeanSquaredError));
    }

    [Fact]
    public void A_further_file_keeps_to_the_training_data()
    {
        DataExpectation expected = new(new Shape(2), ["1", "2"]) { FeatureNames = ["a", "b"] };
        Assert.Equal([1, 0], Load("a,b,y\n1,2,2.0\n3,4,1\n", null, LossKind.CrossEntropy, expected).Labels);
        Assert.Equal([0, 0], Load("1,2,1\n3,4,1\n", null, LossKind.CrossEntropy, expected).Labels);
        Assert.Contains(
            "has the label '3' in column 2; expected one of the classes of the training data: '1', '2'.", Error("1,2,3\n", null, LossKind.CrossEntropy, expected));
        Assert.Contains("has 'b' as feature 0; expected 'a', as in the training data.", Error("b,a,y\n1,2,1\n", null, LossKind.CrossEntropy, expected));
        Assert.Contains("has 1 feature columns; expected 2", Error("1,2\n", null, LossKind.CrossEntropy, expected));
    }

    [Fact]
    public void Too_many_classes_are_taken_for_a_mistake() =>
        Assert.EndsWith(
            "has the label '65536.5' in column 1; expected at most 65,536 classes.",
            Error(string.Concat(Enumerable.Range(0, 65_537).Select(i => $"0,{i}.5\n"))));

    [Fact]
    public void Any_bytes_give_a_dataset_or_a_sentence() => Gen.Select(Gen.Int[0, 60], Gen.Char["01,.\"\n\rea-+ \u0001é;"].Array[0, 12]).Sample(
        (place, noise) =>
        {
            string text = "a,b,y\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n".Insert(Math.Min(place, 30), new string(noise));
            string path = folder.Write($"{Guid.NewGuid()}.csv", text);
            try
            {
                TableDataset.Load(path, new TableOptions(), LossKind.CrossEntropy);
            }
            catch (DistNetException error)
            {
                Assert.Equal(FailureKind.BadInput, error.Kind);
            }
        },
        iter: 500);

    private Dataset Load(string text, TableOptions? options = null, LossKind loss = LossKind.CrossEntropy, DataExpectation? expected = null) =>
        TableDataset.Load(folder.Write("data.csv", text), options ?? new TableOptions(), loss, expected);

    private string Error(string text, TableOptions? options = null, LossKind loss = LossKind.CrossEntropy, DataExpectation? expected = null)
    {
        DistNetException error = Assert.Throws<DistNetException>(() => Load(text, options, loss, expected));
        Assert.Equal(FailureKind.BadInput, error.Kind);
        return error.Message;
    }
}
