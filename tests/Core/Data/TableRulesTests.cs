using System.Collections.Immutable;
using CsCheck;
using DistNet.Data;
using DistNet.Losses;
using DistNet.Training;
using Xunit;
using static DistNet.Tests.Data.DataFileMaker;

namespace DistNet.Tests.Data;

/// <summary>Missing values and categories of tables.</summary>
public sealed class TableRulesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("mean", 4f)]
    [InlineData("median", 2f)]
    [InlineData("zero", 0f)]
    [InlineData("most-frequent", 2f)]
    [InlineData("-1.5", -1.5f)]
    public void A_missing_number_becomes_what_the_rule_says(string missing, float expected)
    {
        LoadedData data = Load("a,b,y\n1,5,0\n2,5,0\n,5,1\nNA,5,1\n2,5,0\n11,5,1\n", Rule("a", new() { Missing = missing }));
        Assert.Equal([1, 5, 2, 5, expected, 5, expected, 5, 2, 5, 11, 5], Inputs(data.Train.Data));
        Assert.Equal(["a", "b"], data.FeatureNames);
        Assert.Equal(expected, data.Columns[0].Fill);
        Assert.Null(data.Columns[1].Fill);
    }

    [Fact]
    public void The_median_of_an_even_number_is_the_mean_of_the_middle_two_and_equally_frequent_values_give_the_smallest()
    {
        Assert.Equal(2.5f, Load("a,y\n4,0\n1,0\n2,1\n3,1\n,0\n", Rule("a", new() { Missing = "median" })).Columns[0].Fill);
        Assert.Equal(1, Load("a,y\n4,0\n1,0\n2,1\n4,1\n1,0\n,0\n", Rule("a", new() { Missing = "most-frequent" })).Columns[0].Fill);
        Assert.Equal("c", Load("a,y\nd,0\nc,0\nd,1\nc,1\n,0\n", Rule("a", new() { Missing = "most-frequent", Categories = CategoryEncoding.Codes })).Columns[0].FillCategory);
    }

    [Fact]
    public void Categories_become_features_of_their_own_or_codes_in_sorted_order()
    {
        const string Text = "a,size,colour,y\n1,10,red,0\n2,9,blue,1\n3,10,Red ,0\n";
        LoadedData data = Load(Text, Rules(("colour", new() { Categories = CategoryEncoding.OneHot }), ("size", new() { Categories = CategoryEncoding.Codes })));
        Assert.Equal(["Red", "blue", "red"], data.Columns[2].Categories);
        Assert.Equal(["9", "10"], data.Columns[1].Categories);
        Assert.Equal(["a", "size", "colour_Red", "colour_blue", "colour_red"], data.FeatureNames);
        Assert.Equal([1, 1, 0, 0, 1, 2, 0, 0, 1, 0, 3, 1, 1, 0, 0], Inputs(data.Train.Data));
        Assert.IsType<ByteDataset>(data.Train.Data);
    }

    [Fact]
    public void A_missing_category_becomes_the_one_given_or_the_most_frequent()
    {
        const string Text = "c,y\nx,0\n,1\nz,0\nz,1\n";
        Assert.Equal([0, 1, 1, 1], Inputs(Load(Text, Rule("c", new() { Categories = CategoryEncoding.Codes, Missing = "most-frequent" })).Train.Data));
        LoadedData given = Load(Text, Rule("c", new() { Categories = CategoryEncoding.Codes, Missing = "none" }));
        Assert.Equal(["none", "x", "z"], given.Columns[0].Categories);
        Assert.Equal([1, 0, 2, 2], Inputs(given.Train.Data));
    }

    [Fact]
    public void Statistics_and_categories_come_from_the_training_split_alone()
    {
        string text = "a,c,y\n" + string.Concat(Enumerable.Range(0, 50).Select(i => $"{i},c{i % 5},{i % 2}\n")) + ",c0,1\n";
        DataOptions options = Options(text, Rules(("a", new() { Missing = "mean" }), ("c", new() { Categories = CategoryEncoding.OneHot }))) with { ValidationShare = 0.3 };
        LoadedData data = DataLoader.Load(options, LossKind.CrossEntropy, 3, null);
        double[] trained = [.. data.Train.Samples.ToArray().Where(i => i < 50).Select(i => (double)i)];
        Assert.Equal((float)trained.Average(), data.Columns[0].Fill);
        Assert.NotEqual(24.5f, data.Columns[0].Fill);
        Assert.NotEqual(data.Columns[0].Fill, DataLoader.Load(options, LossKind.CrossEntropy, 4, null).Columns[0].Fill);
    }

    [Fact]
    public void A_mean_is_summed_in_runs_of_32_samples_and_the_canonical_tree()
    {
        Gen.Float[-1e6f, 1e6f].Array[1, 300].Sample(values =>
        {
            string text = "a,y\n" + string.Concat(values.Select((value, i) => FormattableString.Invariant($"{(i % 7 == 3 ? "" : $"{value:R}")},{i % 2}\n"))) + ",0\n1,1\n";
            float[] all = [.. values.Select((value, i) => i % 7 == 3 ? float.NaN : value), float.NaN, 1];
            List<double> level = [.. all.Chunk(32).Select(run => run.Aggregate(0.0, (sum, value) => float.IsNaN(value) ? sum : sum + value))];
            while (level.Count > 1)
            {
                level = [.. level.Chunk(2).Select(pair => pair.Length == 2 ? pair[0] + pair[1] : pair[0])];
            }

            float expected = (float)(level[0] / all.Count(value => !float.IsNaN(value)));
            Assert.Equal(expected, Load(text, Rule("a", new() { Missing = "mean" })).Columns[0].Fill);
        }, iter: 30, threads: 1); // one file for all samples
    }

    [Fact]
    public void Categories_are_not_normalised_and_filled_numbers_are()
    {
        LoadedData data = Load("a,c,d,y\n1,x,p,0\n,z,q,1\n3,x,p,0\n", Rules(
            ("a", new() { Missing = "mean" }), ("c", new() { Categories = CategoryEncoding.OneHot }), ("d", new() { Categories = CategoryEncoding.Codes })));
        Assert.Equal([2, 0, 0, 0], data.Normalization!.Mean);
        Assert.Equal([(float)Math.Sqrt(2.0 / 3), 1, 1, 1], data.Normalization.Deviation);
    }

    [Fact]
    public void A_category_that_no_training_sample_has_is_refused_or_gets_a_place_of_its_own()
    {
        string train = folder.Write("train.csv", "a,c,y\n1,x,0\n2,z,1\n");
        string test = folder.Write("test.csv", "a,c,y\n1,z,0\n2,new,1\n3,other,1\n");
        float[] Test(CategoryEncoding encoding, UnknownCategory unknown) => Inputs(DataLoader.Load(
            new DataOptions
            {
                Train = new(train),
                Test = new(test),
                Columns = Rule("c", new() { Categories = encoding, Unknown = unknown }),
            },
            LossKind.CrossEntropy, 1, null).Test!.Data);
        string error = Assert.Throws<DistNetException>(() => Test(CategoryEncoding.Codes, UnknownCategory.Refuse)).Message;
        Assert.Equal($"Line 3 of '{test}' has the category 'new' in column 'c', which no training sample has; expected one of 'x', 'z' (data.columns, unknown: own takes others too).", error);
        Assert.Equal([1, 1, 2, 2, 3, 2], Test(CategoryEncoding.Codes, UnknownCategory.Own));
        Assert.Equal([1, 0, 1, 2, 0, 0, 3, 0, 0], Test(CategoryEncoding.OneHot, UnknownCategory.Own));
    }

    [Fact]
    public void Ignored_columns_are_no_features_and_may_be_missing_later()
    {
        ColumnRules rules = new([("c", new() { Categories = CategoryEncoding.Codes })], ["id"]);
        LoadedData data = Load("id,a,c,y\np1,1,x,0\np2,2,z,1\n", rules);
        Assert.Equal([1, 0, 2, 1], Inputs(data.Train.Data));
        DataExpectation expected = new(data.Train.Data.InputShape, data.ClassNames) { FeatureNames = data.FeatureNames, Columns = data.Columns };
        TableOptions options = new() { Columns = rules };
        foreach (string text in new[] { "id,a,c,y\np9,5,z,0\n", "a,c,y\n5,z,0\n", "id,a,c\np9,5,z\n", "a,c\n5,z\n" })
        {
            Assert.Equal([5, 1], Inputs(TableDataset.LoadInputs(folder.Write("new.csv", text), options, expected)));
        }
    }

    [Fact]
    public void Columns_go_by_number_in_a_file_without_a_header()
    {
        ColumnRules rules = new([("1", new() { Categories = CategoryEncoding.Codes }), ("2", new() { Missing = "zero" })], ["0"]);
        LoadedData data = Load("p1,x,,0\np2,z,7,1\n", rules);
        Assert.Equal([0, 0, 1, 7], Inputs(data.Train.Data));
        DataExpectation expected = new(data.Train.Data.InputShape, data.ClassNames) { Columns = data.Columns };
        foreach (string text in new[] { "p9,z,?,1\n", "z,?\n" })
        {
            Assert.Equal([1, 0], Inputs(TableDataset.LoadInputs(folder.Write("new.csv", text), new() { Columns = rules }, expected)));
        }
    }

    [Theory]
    [InlineData("a,c,y\n1,,0\n2,z,1\n", "Line 2 of 'FILE' has nothing in column 'c'; expected a category (data.columns, missing: says what stands in its place).")]
    [InlineData("a,c,y\n1,x,0\n,z,1\n", "Line 3 of 'FILE' has nothing in column 'a'; expected a finite number.")]
    [InlineData("a,b,y\n1,x,0\n2,z,1\n", "The CSV file 'FILE' has no column 'c', which data.columns names; known: 'a', 'b', 'y'")]
    [InlineData("a,c,c,y\n1,x,x,0\n", "The CSV file 'FILE' has several columns named 'c'; expected the one that data.columns names once, or its number.")]
    [InlineData("a,y,c\n1,x,0\n2,z,1\n", "data.columns has a rule for 'c', which is a label or ignored in the CSV file 'FILE'; expected features.")]
    public void What_no_rule_allows_is_refused_in_one_sentence(string text, string sentence)
    {
        string error = Assert.Throws<DistNetException>(() => Load(text, Rule("c", new() { Categories = CategoryEncoding.Codes }))).Message;
        Assert.StartsWith(sentence.Replace("FILE", folder["data.csv"]), error);
    }

    [Fact]
    public void A_column_without_any_value_has_no_mean()
    {
        string error = Assert.Throws<DistNetException>(() => Load("a,b,y\n,1,0\nNA,2,1\n", Rule("a", new() { Missing = "mean" }))).Message;
        Assert.StartsWith($"The column 'a' of '{folder["data.csv"]}' has no value in any training sample", error);
    }

    [Fact]
    public void Features_that_no_array_holds_are_refused_before_they_are_made()
    {
        string text = string.Concat(Enumerable.Range(0, 50_000).Select(i => $"{i},{i % 2}\n"));
        long before = GC.GetAllocatedBytesForCurrentThread();
        string error = Assert.Throws<DistNetException>(() => Load(text, Rule("0", new() { Categories = CategoryEncoding.OneHot }))).Message;
        Assert.Equal(
            $"The columns of '{folder["data.csv"]}' become 50,000 features of 50,000 samples; expected 1 to 2,147,483,591 values in all (categories: codes makes one feature of a column).", error);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 26);
    }

    [Fact]
    public void Renamed_categories_are_other_data()
    {
        ColumnRules rules = Rule("c", new() { Categories = CategoryEncoding.Codes });
        LoadedData first = Load("c,y\nx,0\nz,1\n", rules);
        LoadedData second = Load("c,y\nu,0\nz,1\n", rules);
        Assert.Equal(Inputs(first.Train.Data), Inputs(second.Train.Data));
        Assert.NotEqual(first.Fingerprint, second.Fingerprint);
    }

    private static ColumnRules Rule(string column, ColumnRule rule) => Rules((column, rule));

    private static ColumnRules Rules(params ImmutableArray<(string, ColumnRule)> rules) => new(rules, []);

    private DataOptions Options(string text, ColumnRules rules) => new() { Train = new DataFiles(folder.Write("data.csv", text)), Columns = rules };

    private LoadedData Load(string text, ColumnRules rules) => DataLoader.Load(Options(text, rules), LossKind.CrossEntropy, 1, null);
}
